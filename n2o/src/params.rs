//! Parameters of a page's path and query.

use crate::cx::Cx;

/// What a page's path says besides the page, by name and decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// The parameters of the route: [`Cx::param`](crate::Cx::param).
    pub route: Vec<(String, String)>,
    /// Those of the query: [`Cx::query`](crate::Cx::query).
    pub query: Vec<(String, String)>,
}

impl Params {
    /// The parameters, where there are any.
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (!self.route.is_empty() || !self.query.is_empty()).then(|| Box::new(self))
    }
}

impl From<Vec<(String, String)>> for Params {
    fn from(route: Vec<(String, String)>) -> Self {
        Params { route, query: Vec::new() }
    }
}

impl Cx {
    /// A parameter of the route, decoded.
    ///
    /// # Panics
    ///
    /// In a debug build where the route has no such parameter; in a release build it is empty then.
    #[must_use]
    #[track_caller]
    pub fn param(&self, name: &str) -> &str {
        let value = self.find_param(name);
        debug_assert!(
            value.is_some(),
            "the route of {:?} has no parameter `{name}`: add `{{{name}}}` to it, or read the query with `Cx::query`",
            self.path()
        );
        value.unwrap_or_default()
    }

    /// A parameter of the route, decoded, for a page that stands under several routes.
    #[must_use]
    pub fn find_param(&self, name: &str) -> Option<&str> {
        find(&self.params.as_deref()?.route, name)
    }

    /// A parameter of the query, decoded; empty when there is none.
    #[must_use]
    pub fn query(&self, name: &str) -> &str {
        self.params.as_deref().and_then(|params| find(&params.query, name)).unwrap_or_default()
    }
}

fn find<'a>(list: &'a [(String, String)], name: &str) -> Option<&'a str> {
    list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
