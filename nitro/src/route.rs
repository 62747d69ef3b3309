//! Routes: which page lives at which path, and the parameters in it.

use std::fmt;

use crate::{live, live::Live, page::Page};

/// The pages of an application by path.
///
/// A pattern is made of segments; `{name}` stands for any one segment, and its decoded value is
/// [`Cx::param`](n2o::Cx::param). The first pattern that fits wins.
#[derive(Clone, Default)]
pub struct Routes(Vec<Route>);

#[derive(Clone)]
struct Route {
    pattern: &'static str,
    open: fn() -> Box<dyn Live>,
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|route| route.pattern)).finish()
    }
}

/// A page and the parameters of its path and query.
pub struct Found {
    /// The page, not yet opened.
    pub page: Box<dyn Live>,
    /// Its parameters: of the path first, then of the query.
    pub params: Vec<(String, String)>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("params", &self.params).finish_non_exhaustive()
    }
}

/// Most parameters of a query that are read.
const MAX_PARAMS: usize = 64;

impl Routes {
    /// Adds a page at a pattern.
    pub fn add<P: Page>(&mut self, pattern: &'static str) {
        self.0.push(Route { pattern, open: live::live::<P> });
    }

    /// The page at a path, which may have a query. `None` when no pattern fits, or the path is not well encoded.
    #[must_use]
    pub fn find(&self, path_and_query: &str) -> Option<Found> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let mut params = Vec::new();
        let route = self.0.iter().find(|route| {
            params.clear();
            fits(route.pattern, path, &mut params)
        })?;
        for pair in query.split('&').filter(|pair| !pair.is_empty()).take(MAX_PARAMS) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let (Some(name), Some(value)) = (decode(name, true), decode(value, true)) {
                params.push((name, value));
            }
        }
        Some(Found { page: (route.open)(), params })
    }
}

fn fits(pattern: &str, path: &str, params: &mut Vec<(String, String)>) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(expected), Some(segment)) => {
                let Some(segment) = decode(segment, false) else { return false };
                match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                    Some(name) if !segment.is_empty() => params.push((name.to_owned(), segment)),
                    Some(_) => return false,
                    None if expected == segment => {}
                    None => return false,
                }
            }
            _ => return false,
        }
    }
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
