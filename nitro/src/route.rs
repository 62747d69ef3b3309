//! Routes: which page lives at which path, and the parameters in it.

use std::fmt;

use n2o::Params;

use crate::{
    component::{Component, declare},
    live,
    live::Live,
};

/// The pages of an application by path.
///
/// A pattern is made of segments; `{name}` stands for any one segment, and its decoded value is
/// [`Cx::param`](n2o::Cx::param). A segment that is written out goes before one that stands for any, so that
/// `/clients/new` and `/clients/{id}` may both be there, in any order.
///
/// ```
/// use nitro::{BadRoute, Routes};
/// # use maud::html;
/// # use nitro::prelude::*;
/// # #[derive(Default, Serialize, Deserialize)]
/// # struct Client;
/// # impl Page for Client {
/// #     type Event = Never;
/// #     const ACCESS: Access = Access::Anyone;
/// #     fn render(&self, _: &Ui<'_, Self>) -> Markup { html! {} }
/// #     async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result { match never {} }
/// # }
///
/// let mut routes = Routes::default();
/// routes.add::<Client>("/clients/{id}")?;
/// let found = routes.find("/clients/7%2F8?do=show").unwrap();
/// assert_eq!(found.params.route, [("id".to_owned(), "7/8".to_owned())]);
/// assert!(matches!(routes.add::<Client>("/clients/{name}"), Err(BadRoute::Doubled { .. })));
/// # Ok::<(), BadRoute>(())
/// ```
#[derive(Clone, Default)]
pub struct Routes {
    routes: Vec<Route>,
    /// Finds a route by the shape of its pattern, in which parameters have numbers for names, so that two
    /// patterns may call the same place by two names.
    by_shape: matchit::Router<usize>,
}

#[derive(Clone)]
struct Route {
    pattern: &'static str,
    names: Vec<&'static str>,
    open: fn() -> Box<dyn Live>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| route.pattern)).finish()
    }
}

/// A pattern that no page can be found by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRoute {
    /// It is not written as a pattern.
    #[error("the route {pattern:?} cannot be: {reason}")]
    Malformed {
        /// The pattern.
        pattern: &'static str,
        /// What is wrong, and how it is written instead.
        reason: &'static str,
    },
    /// The server answers this path itself, so that the page would never be seen.
    #[error("the route {pattern:?} cannot be: the server answers {taken} itself; choose another path")]
    Reserved {
        /// The pattern.
        pattern: &'static str,
        /// The path, or what paths begin with, that is taken.
        taken: &'static str,
    },
    /// Another page has every path that fits the pattern.
    #[error("the route {pattern:?} cannot be: {known:?} has the same paths; give each page paths of its own")]
    Doubled {
        /// The pattern.
        pattern: &'static str,
        /// The pattern of the other page.
        known: &'static str,
    },
}

/// A page and the parameters of its path and query.
pub struct Found {
    /// The page, not yet opened.
    pub page: Box<dyn Live>,
    /// Its parameters.
    pub params: Params,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("params", &self.params).finish_non_exhaustive()
    }
}

/// Most parameters of a query that are read.
const MAX_PARAMS: usize = 64;
/// Paths that a server answers itself; those that end with `/` with all below them. `PROTOCOL.md` names the
/// first two, the others tell operators how the server is.
const RESERVED: [&str; 4] = ["/ws", "/n2o/", "/live", "/ready"];

impl Routes {
    /// Adds a page at a pattern.
    pub fn add<P: Component + Default>(&mut self, pattern: &'static str) -> Result<(), BadRoute> {
        let (shape, names) = read(pattern).map_err(|reason| BadRoute::Malformed { pattern, reason })?;
        let is_taken =
            |taken: &&&str| if taken.ends_with('/') { shape.starts_with(**taken) } else { shape == **taken };
        if let Some(taken) = RESERVED.iter().find(is_taken) {
            return Err(BadRoute::Reserved { pattern, taken });
        }
        if self.by_shape.insert(shape.clone(), self.routes.len()).is_err() {
            let is_same = |known: &&Route| read(known.pattern).is_ok_and(|(same, _)| same == shape);
            let known = self.routes.iter().find(is_same);
            return Err(match known {
                Some(known) => BadRoute::Doubled { pattern, known: known.pattern },
                None => BadRoute::Malformed { pattern, reason: "its segments cannot be told apart" },
            });
        }
        declare(&mut P::default());
        self.routes.push(Route { pattern, names, open: live::live::<P> });
        Ok(())
    }

    /// The patterns, in the order in which they were added.
    pub fn patterns(&self) -> impl Iterator<Item = &'static str> {
        self.routes.iter().map(|route| route.pattern)
    }

    /// The page at a path, which may have a query. `None` when no pattern fits, or the path is not well encoded.
    #[must_use]
    pub fn find(&self, path_and_query: &str) -> Option<Found> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let path = plain(path)?;
        let matched = self.by_shape.at(&path).ok()?;
        let route = self.routes.get(*matched.value)?;
        let names = route.names.iter().map(|name| String::from(*name));
        let values = matched.params.iter().map(|(_, value)| decode(value, false));
        let mut params = Params::default();
        for (name, value) in names.zip(values) {
            params.route.push((name, value?));
        }
        for pair in query.split('&').filter(|pair| !pair.is_empty()).take(MAX_PARAMS) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (decode(name, true), decode(value, true)) {
                params.query.push((name, value));
            }
        }
        Some(Found { page: (route.open)(), params })
    }
}

/// The shape of a pattern, as matchit writes it, and the names of its parameters; or what is wrong with it.
fn read(pattern: &'static str) -> Result<(String, Vec<&'static str>), &'static str> {
    let Some(path) = pattern.strip_prefix('/') else { return Err("it begins with `/`") };
    if path.contains(['?', '#', '%', ' ', '\\']) {
        return Err("it is a path as people read it, without `?`, `#`, `%`, blanks and backslashes");
    }
    let (mut shape, mut names) = (String::new(), Vec::new());
    let last = path.split('/').count() - 1;
    for (at, segment) in path.split('/').enumerate() {
        shape.push('/');
        let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name {
            Some(name) if name.starts_with('*') => {
                return Err("a parameter stands for one segment: `{name}`");
            }
            Some(name) => {
                let fits = |char: char| char.is_ascii_alphanumeric() || char == '_';
                if name.is_empty() || !name.chars().all(fits) {
                    return Err("the name of a parameter is made of letters, digits and `_`: `{name}`");
                }
                if names.contains(&name) {
                    return Err("two of its parameters have one name");
                }
                shape.push_str(&format!("{{{}}}", names.len()));
                names.push(name);
            }
            None if segment.contains(['{', '}']) => {
                return Err("a parameter is a whole segment: `/{name}/`");
            }
            None if segment.starts_with(':') || segment.starts_with('*') => {
                return Err("a parameter is written `{name}`");
            }
            None if segment.is_empty() && at < last => return Err("it has an empty segment"),
            None => shape.push_str(segment),
        }
    }
    Ok((shape, names))
}

/// A path in which every character is written in one way only: decoded, but for those that would be taken for
/// something else then.
fn plain(path: &str) -> Option<String> {
    if !path.contains('%') {
        return Some(path.to_owned());
    }
    let segments =
        path.split('/').map(|segment| Some(decode(segment, false)?.replace('%', "%25").replace('/', "%2F")));
    Some(segments.collect::<Option<Vec<_>>>()?.join("/"))
}

/// Percent-decodes; `None` when a percent sign is not followed by two digits, or the result is not UTF-8.
fn decode(text: &str, plus: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                (high * 16 + low) as u8
            }
            b'+' if plus => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}
