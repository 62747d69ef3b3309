//! Parameters of a page's path and query.

/// What a page's path says besides the page, by name and decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// The parameters of the route: [`Cx::param`](crate::Cx::param).
    pub route: Vec<(String, String)>,
    /// Those of the query: [`Cx::query`](crate::Cx::query).
    pub query: Vec<(String, String)>,
}

impl Params {
    pub(crate) fn of<'a>(list: &'a [(String, String)], name: &str) -> Option<&'a str> {
        list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl From<Vec<(String, String)>> for Params {
    fn from(route: Vec<(String, String)>) -> Self {
        Params { route, query: Vec::new() }
    }
}
