//! Parsing the innermost parts: literals, names, parentheses, lists, ranges and contexts.

use std::sync::Arc;

use super::ast::{Expr, Kind};
use super::builtin::LONG_NAMES;
use super::lex::Token;
use super::parse::{FeelError, Parsed, Parser};
use super::{temporal, value::Value};

impl Parser {
    pub(super) fn primary(&mut self) -> Parsed {
        let offset = self.offset();
        match self.peek().clone() {
            Token::Number(number) => {
                self.at += 1;
                Ok(Expr::number(number))
            }
            Token::Text(text) => {
                self.at += 1;
                Ok(Expr::literal(text))
            }
            Token::Temporal(text) => {
                self.at += 1;
                let wrong =
                    || FeelError { at: offset, what: format!("`{text}` is no date, time or duration") };
                temporal::any(&text).map(Expr::literal).ok_or_else(wrong)
            }
            Token::Name(_) => self.name(),
            Token::Mark("(") => self.parenthesis(),
            Token::Mark("[") => self.bracket(),
            Token::Mark("]") => {
                self.at += 1;
                let low = self.expression()?;
                self.expect_mark("..")?;
                self.range_end(low, false)
            }
            Token::Mark("{") => self.context(),
            Token::Mark("?") => {
                self.at += 1;
                Ok(Kind::Name("?".into()).into())
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn name(&mut self) -> Parsed {
        let name = self.expect_name()?;
        Ok(match &*name {
            "true" => Expr::literal(true),
            "false" => Expr::literal(false),
            "null" => Expr::literal(Value::Null),
            _ => Kind::Name(self.long_name(name, &LONG_NAMES)).into(),
        })
    }

    /// Names of several words are recognised only where they are known, since spaces also separate operators.
    pub(super) fn long_name(&mut self, first: Arc<str>, known: &[&str]) -> Arc<str> {
        for long in known.iter().filter(|long| long.starts_with(&*first)) {
            let mut words = long.split(' ');
            let matches = words.next() == Some(&*first)
                && words
                    .clone()
                    .enumerate()
                    .all(|(ahead, word)| matches!(self.peek_after(ahead), Token::Name(name) if name == word));
            if matches {
                self.at += words.count();
                return (*long).into();
            }
        }
        first
    }

    fn parenthesis(&mut self) -> Parsed {
        self.expect_mark("(")?;
        let inner = self.expression()?;
        if self.mark("..") {
            return self.range_end(inner, false);
        }
        self.expect_mark(")")?;
        Ok(inner)
    }

    fn bracket(&mut self) -> Parsed {
        self.expect_mark("[")?;
        let mut items = Vec::new();
        while !self.mark("]") {
            items.push(self.expression()?);
            if items.len() == 1 && self.mark("..") {
                return self.range_end(items.remove(0), true);
            }
            if !self.mark(",") && !matches!(self.peek(), Token::Mark("]")) {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
        Ok(Kind::List(items).into())
    }

    fn range_end(&mut self, low: Expr, closed: bool) -> Parsed {
        let high = self.expression()?;
        let high_closed = match self.next() {
            Token::Mark("]") => true,
            Token::Mark(")" | "[") => false,
            _ => {
                self.at -= 1;
                return Err(self.unexpected("the end of the range"));
            }
        };
        Ok(Kind::Range { low: Some((low, closed)), high: Some((high, high_closed)) }.into())
    }

    fn context(&mut self) -> Parsed {
        self.expect_mark("{")?;
        let mut entries: Vec<(Arc<str>, Expr)> = Vec::new();
        while !self.mark("}") {
            let name: Arc<str> = match self.next() {
                Token::Text(text) => text.into(),
                Token::Name(mut name) => {
                    while let Token::Name(word) = self.peek() {
                        name = format!("{name} {word}");
                        self.at += 1;
                    }
                    name.into()
                }
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected("the name of an entry"));
                }
            };
            self.expect_mark(":")?;
            entries.push((name, self.expression()?));
            if !self.mark(",") && !matches!(self.peek(), Token::Mark("}")) {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        Ok(Kind::Context(entries).into())
    }
}
