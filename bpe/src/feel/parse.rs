//! From tokens to a syntax tree, by recursive descent with a depth limit.

use std::sync::Arc;

use super::ast::{Arguments, Comparison, Expr, Kind, Operator, Test};
use super::lex::{Spanned, Token, lex};
use crate::Limits;

/// Why an expression does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("{what}, at character {at} of the expression")]
pub struct FeelError {
    /// The byte offset in the expression.
    pub at: usize,
    /// What is wrong.
    pub what: String,
}

/// Parses an expression, without the leading `=` that BPMN files put before it.
pub fn parse(text: &str, limits: &Limits) -> Result<Expr, FeelError> {
    let tokens = lex(text)?;
    let mut parser = Parser { tokens, at: 0, depth: 0, limit: limits.feel_depth };
    let expr = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("the end")),
    }
}

pub(super) type Parsed = Result<Expr, FeelError>;

pub(super) struct Parser {
    tokens: Vec<Spanned>,
    pub(super) at: usize,
    depth: usize,
    limit: usize,
}

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |spanned| &spanned.token)
    }

    pub(super) fn peek_after(&self, ahead: usize) -> &Token {
        self.tokens.get(self.at + ahead).map_or(&Token::End, |spanned| &spanned.token)
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn offset(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |spanned| spanned.at)
    }

    pub(super) fn mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Token::Mark(found) if *found == mark);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(found) if found == word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect_mark(&mut self, mark: &str) -> Result<(), FeelError> {
        if self.mark(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), FeelError> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    pub(super) fn expect_name(&mut self) -> Result<Arc<str>, FeelError> {
        match self.peek() {
            Token::Name(_) => match self.next() {
                Token::Name(name) => Ok(name.into()),
                _ => Err(self.unexpected("a name")),
            },
            _ => Err(self.unexpected("a name")),
        }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> FeelError {
        let found = match self.peek() {
            Token::Number(number) => format!("`{number}`"),
            Token::Text(_) | Token::Temporal(_) => "a text".to_owned(),
            Token::Name(name) => format!("`{name}`"),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::End => "the end".to_owned(),
        };
        FeelError { at: self.offset(), what: format!("expected {wanted}, found {found}") }
    }

    /// Every nesting passes here, so this is where depth is counted.
    pub(super) fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > self.limit {
            let what = format!("nested deeper than {}", self.limit);
            return Err(FeelError { at: self.offset(), what });
        }
        let expr = self.any_expression();
        self.depth -= 1;
        expr
    }

    /// A chain of operators is read by a loop but becomes a tree as deep as the chain is long, so it is
    /// bounded too.
    fn link(&self, links: &mut usize) -> Result<(), FeelError> {
        *links += 1;
        if *links > 2 * self.limit {
            let what = format!("more than {} operators in a row: use parentheses", 2 * self.limit);
            return Err(FeelError { at: self.offset(), what });
        }
        Ok(())
    }

    fn any_expression(&mut self) -> Parsed {
        let calls = matches!(self.peek_after(1), Token::Mark("("));
        match self.peek() {
            Token::Name(name) => match name.as_str() {
                "if" => self.conditional(),
                "for" => self.iteration(),
                "some" | "every" if !calls => self.quantified(),
                "function" if calls => self.function(),
                _ => self.disjunction(),
            },
            _ => self.disjunction(),
        }
    }

    fn conditional(&mut self) -> Parsed {
        self.expect_word("if")?;
        let condition = self.expression()?;
        self.expect_word("then")?;
        let yes = self.expression()?;
        self.expect_word("else")?;
        Ok(Kind::If(condition, yes, self.expression()?).into())
    }

    fn iteration(&mut self) -> Parsed {
        self.expect_word("for")?;
        let over = self.bindings()?;
        self.expect_word("return")?;
        Ok(Kind::For(over, self.expression()?).into())
    }

    fn quantified(&mut self) -> Parsed {
        let every = self.word("every") || !self.word("some");
        let over = self.bindings()?;
        self.expect_word("satisfies")?;
        Ok(Kind::Quantified { every, over, satisfies: self.expression()? }.into())
    }

    fn bindings(&mut self) -> Result<Vec<(Arc<str>, Expr)>, FeelError> {
        let mut bindings = Vec::new();
        loop {
            let name = self.expect_name()?;
            self.expect_word("in")?;
            let from = self.expression()?;
            let domain = if self.mark("..") {
                let to = self.expression()?;
                Kind::Range { low: Some((from, true)), high: Some((to, true)) }.into()
            } else {
                from
            };
            bindings.push((name, domain));
            if !self.mark(",") {
                return Ok(bindings);
            }
        }
    }

    fn function(&mut self) -> Parsed {
        self.expect_word("function")?;
        self.expect_mark("(")?;
        let mut parameters = Vec::new();
        while !self.mark(")") {
            parameters.push(self.expect_name()?);
            if self.mark(":") {
                self.type_name()?;
            }
            if !self.mark(",") && !matches!(self.peek(), Token::Mark(")")) {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        Ok(Kind::Function(parameters, self.expression()?).into())
    }

    fn disjunction(&mut self) -> Parsed {
        let mut left = self.conjunction()?;
        let mut links = 0;
        while self.word("or") {
            self.link(&mut links)?;
            left = Kind::Or(left, self.conjunction()?).into();
        }
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed {
        let mut left = self.comparison()?;
        let mut links = 0;
        while self.word("and") {
            self.link(&mut links)?;
            left = Kind::And(left, self.comparison()?).into();
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        if let Some(comparison) = self.comparator() {
            return Ok(Kind::Compare(comparison, left, self.sum()?).into());
        }
        if self.word("between") {
            let low = self.sum()?;
            self.expect_word("and")?;
            return Ok(Kind::Between(left, low, self.sum()?).into());
        }
        if self.word("in") {
            return Ok(Kind::In(left, self.tests()?).into());
        }
        if matches!(self.peek(), Token::Name(name) if name == "instance")
            && matches!(self.peek_after(1), Token::Name(name) if name == "of")
        {
            self.at += 2;
            return Ok(Kind::InstanceOf(left, self.type_name()?).into());
        }
        Ok(left)
    }

    fn comparator(&mut self) -> Option<Comparison> {
        let comparison = match self.peek() {
            Token::Mark("=" | "==") => Comparison::Equal,
            Token::Mark("!=") => Comparison::Unequal,
            Token::Mark("<") => Comparison::Less,
            Token::Mark("<=") => Comparison::LessOrEqual,
            Token::Mark(">") => Comparison::Greater,
            Token::Mark(">=") => Comparison::GreaterOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    /// `(t1, t2)` is a list of tests; but `(1..5)` is a range and `(a) + b` a value, so this looks ahead by
    /// trying.
    fn tests(&mut self) -> Result<Vec<Test>, FeelError> {
        let start = self.at;
        if self.mark("(") {
            let mut tests = Vec::new();
            loop {
                tests.push(self.test()?);
                if self.mark(",") {
                    continue;
                }
                if self.mark(")") {
                    return Ok(tests);
                }
                break;
            }
            self.at = start;
        }
        Ok(vec![self.test()?])
    }

    fn test(&mut self) -> Result<Test, FeelError> {
        match self.comparator() {
            Some(comparison) => Ok(Test::Compare(comparison, self.sum()?)),
            None => Ok(Test::Value(self.sum()?)),
        }
    }

    /// A type, as far as `instance of` compares it: its words, without what stands in `<...>`.
    fn type_name(&mut self) -> Result<Arc<str>, FeelError> {
        let mut words = vec![self.expect_name()?];
        while let Token::Name(word) = self.peek() {
            if !matches!(word.as_str(), "and" | "time" | "months" | "duration" | "days") {
                break;
            }
            // `x instance of date and y` ends before `and`.
            if word == "and"
                && !matches!(self.peek_after(1), Token::Name(next) if next == "time" || next == "months")
            {
                break;
            }
            words.push(word.as_str().into());
            self.at += 1;
        }
        let mut open = 0;
        while open > 0 || matches!(self.peek(), Token::Mark("<")) {
            match self.next() {
                Token::Mark("<") => open += 1,
                Token::Mark(">") => open -= 1,
                Token::End => return Err(self.unexpected("`>`")),
                _ => {}
            }
        }
        Ok(words.join(" ").into())
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            let operator = if self.mark("+") {
                Operator::Add
            } else if self.mark("-") {
                Operator::Subtract
            } else {
                return Ok(left);
            };
            left = Kind::Arithmetic(operator, left, self.product()?).into();
        }
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.power()?;
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            let operator = if self.mark("*") {
                Operator::Multiply
            } else if self.mark("/") {
                Operator::Divide
            } else {
                return Ok(left);
            };
            left = Kind::Arithmetic(operator, left, self.power()?).into();
        }
    }

    fn power(&mut self) -> Parsed {
        let mut left = self.negation()?;
        let mut links = 0;
        while self.mark("**") {
            self.link(&mut links)?;
            left = Kind::Arithmetic(Operator::Power, left, self.negation()?).into();
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed {
        let mut negative = 0_u32;
        while self.mark("-") {
            negative += 1;
        }
        let expr = self.postfix()?;
        Ok(if negative % 2 == 1 { Kind::Negate(expr).into() } else { expr })
    }

    fn postfix(&mut self) -> Parsed {
        let mut expr = self.primary()?;
        let mut links = 0;
        loop {
            self.link(&mut links)?;
            if self.mark(".") {
                let name = self.expect_name()?;
                let name = self.long_name(name, &["time offset", "start included", "end included"]);
                expr = Kind::Path(expr, name).into();
            } else if self.mark("[") {
                let filter = self.expression()?;
                self.expect_mark("]")?;
                expr = Kind::Filter(expr, filter).into();
            } else if self.mark("(") {
                let arguments = self.arguments()?;
                expr = match *expr.0 {
                    Kind::Name(name) => Kind::Call(name, arguments).into(),
                    other => Kind::Apply(other.into(), arguments).into(),
                };
            } else {
                return Ok(expr);
            }
        }
    }

    fn arguments(&mut self) -> Result<Arguments, FeelError> {
        let (mut positional, mut named) = (Vec::new(), Vec::new());
        while !self.mark(")") {
            let start = self.at;
            if let Token::Name(_) = self.peek() {
                let mut name = self.expect_name()?.to_string();
                while let Token::Name(word) = self.peek() {
                    name = format!("{name} {word}");
                    self.at += 1;
                }
                if self.mark(":") {
                    named.push((name.into(), self.expression()?));
                } else {
                    self.at = start;
                    positional.push(self.expression()?);
                }
            } else {
                positional.push(self.expression()?);
            }
            if !self.mark(",") && !matches!(self.peek(), Token::Mark(")")) {
                return Err(self.unexpected("`,` or `)`"));
            }
        }
        match (positional.is_empty(), named.is_empty()) {
            (_, true) => Ok(Arguments::Positional(positional)),
            (true, false) => Ok(Arguments::Named(named)),
            _ => {
                Err(FeelError { at: self.offset(), what: "named and unnamed arguments are mixed".to_owned() })
            }
        }
    }
}
