//! Events: enums whose variants carry what was sealed and what the inputs hold.

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    fmt::Display,
    marker::PhantomData,
    str::FromStr,
};

use n2o::Value;

use crate::{
    fields::__Codec,
    hash,
    id::clean_id,
    inputs::{self, Inputs},
    lang::text,
    scope::{DISABLED, REQUIRED},
};

/// The events of a page. Derive it; do not implement it by hand.
///
/// For each variant the derive makes a constructor that takes the fields without `#[source]`, which
/// are sealed into the page, and for each `#[source]` field a constant that names the input.
///
/// ```
/// use nitro::prelude::*;
///
/// #[derive(Event)]
/// enum Row {
///     Remove(u64),
///     Rename { id: u64, #[source] name: String },
/// }
///
/// let postback = Row::rename(7);
/// assert_eq!(postback.sources(), ["name"]);
/// let input = textbox(Row::name);
/// # let _ = input;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "add `#[derive(Event)]` to this enum",
    note = "events are enums; the variants' fields are sealed into the page, or read from inputs when marked `#[source]`"
)]
pub trait Event: Sized + Send + 'static {
    /// What the variants read, by number.
    const VARIANTS: &'static [Variant];

    #[doc(hidden)]
    fn open(variant: u8, sealed: &[u8], values: &mut Values<'_, '_>) -> Result<Self, Unfit>;
}

/// A page without events.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

impl Event for Never {
    const VARIANTS: &'static [Variant] = &[];

    fn open(_: u8, _: &[u8], _: &mut Values<'_, '_>) -> Result<Self, Unfit> {
        Err(Unfit)
    }
}

/// A variant of an event.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Its name, for logs.
    pub name: &'static str,
    /// The inputs that it reads.
    pub sources: &'static [&'static str],
    /// Whether it also reads [`Inputs`], which are named where it is bound.
    pub inputs: bool,
    /// A fingerprint of its name and its fields: what was sealed for a variant is opened for the same one
    /// only, also by another version of the program that has something else at its place.
    pub print: u64,
}

/// The name of an input that an event reads; made by the derive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(pub &'static str);

impl From<Source> for Cow<'_, str> {
    fn from(source: Source) -> Self {
        Cow::Borrowed(source.0)
    }
}

impl AsRef<str> for Source {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// An event with its sealed fields. [`Ui::on`](crate::Ui::on) binds it to the component that is rendered.
#[derive(Debug)]
pub struct Postback<E> {
    pub(crate) bind: Bind,
    event: PhantomData<fn() -> E>,
}

impl<E> Clone for Postback<E> {
    fn clone(&self) -> Self {
        Postback { bind: self.bind.clone(), event: PhantomData }
    }
}

impl<E: Event> Postback<E> {
    #[doc(hidden)]
    #[must_use]
    pub fn __new(variant: u8) -> Self {
        Self::with(variant, Vec::new())
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __of<T>(variant: u8, codec: &__Codec<T>, fields: &T) -> Self {
        Self::with(variant, (codec.write)(fields))
    }

    fn with(variant: u8, mut sealed: Vec<u8>) -> Self {
        let known = E::VARIANTS.get(usize::from(variant));
        let sources = known.map_or::<&'static [&'static str], _>(&[], |variant| variant.sources);
        if known.is_some_and(|variant| variant.inputs) {
            sealed = inputs::pack(&[], &sealed);
        }
        let print = print::<E>(variant).unwrap_or_default();
        let bind = Bind { variant, sealed, sources, reads: Vec::new(), event: TypeId::of::<E>(), print };
        Postback { bind, event: PhantomData }
    }

    /// Names the inputs that the event's [`Inputs`] are read from. The names are sealed with the event, so
    /// that the client cannot choose others.
    #[must_use]
    pub fn reads<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let inputs = E::VARIANTS.get(usize::from(self.bind.variant)).is_some_and(|variant| variant.inputs);
        debug_assert!(inputs, "only an event with a source of type `Inputs` can be told what to read");
        if inputs && let Ok((_, fields)) = inputs::unpack(&self.bind.sealed) {
            let names = names.into_iter().map(|name| clean_id(Cow::Owned(name.into())).into_owned());
            let names = names.take(usize::from(u16::MAX)).collect::<Vec<_>>();
            self.bind.sealed = inputs::pack(&names, fields);
            self.bind.reads = names;
        }
        self
    }

    /// The inputs that it reads.
    #[must_use]
    pub fn sources(&self) -> &'static [&'static str] {
        self.bind.sources
    }
}

/// An event that is bound to the component whose rendering or handler bound it, by `ui.on` or `cx.on`.
#[derive(Clone, Debug)]
pub struct Bound(pub(crate) Bind);

/// A thing that an element can be bound to: a [`Bound`] event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not bound to a component",
    label = "write `ui.on(...)` around this event; in a handler `cx.on(...)`",
    note = "an event works only in the component whose `Event` type it is of"
)]
pub trait Binding: sealed::Sealed {
    #[doc(hidden)]
    fn __bound(self) -> Bound;
}

impl Binding for Bound {
    fn __bound(self) -> Bound {
        self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Bound {}
}

/// The fingerprint of a variant: of its enum and where that stands, of its name and its fields.
pub(crate) fn print<E: Event>(variant: u8) -> Option<u64> {
    let known = E::VARIANTS.get(usize::from(variant))?;
    Some(known.print ^ hash::lasting(std::any::type_name::<E>().as_bytes()))
}

/// What an element seals.
#[derive(Clone, Debug)]
pub(crate) struct Bind {
    pub(crate) variant: u8,
    pub(crate) sealed: Vec<u8>,
    pub(crate) sources: &'static [&'static str],
    /// Inputs read besides, by names that are sealed too.
    pub(crate) reads: Vec<String>,
    pub(crate) event: TypeId,
    pub(crate) print: u64,
}

impl Bind {
    /// All inputs that the event reads, in the order of their values.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().copied().chain(self.reads.iter().map(String::as_str))
    }
}

/// A type that the text of an input is read into.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the text of an input cannot be read into `{Self}`",
    label = "implement `FromStr` for it, with an error that is `Display`: it is shown at the input"
)]
pub trait __Read: FromStr<Err: Display> + 'static {}

#[diagnostic::do_not_recommend]
impl<T: FromStr<Err: Display> + 'static> __Read for T {}

/// The seal does not hold what the event needs: it was made by another version of the program.
#[derive(Clone, Copy, Debug)]
pub struct Unfit;

/// The values of an event's sources, read into their types; what does not fit is noted for its input.
#[derive(Debug)]
pub struct Values<'a, 'v> {
    values: &'a [Value<'v>],
    sources: &'static [&'static str],
    reads: &'a [&'a str],
    /// The flags of the inputs that the values are of, as far as they are on the page.
    states: Vec<Option<u8>>,
    lang: &'a str,
    pub(crate) errors: Vec<(&'static str, String)>,
}

impl<'a, 'v> Values<'a, 'v> {
    pub(crate) fn new(
        values: &'a [Value<'v>],
        sources: &'static [&'static str],
        reads: &'a [&'a str],
        states: Vec<Option<u8>>,
        lang: &'a str,
    ) -> Self {
        Values { values, sources, reads, states, lang, errors: Vec::new() }
    }

    fn name(&self, source: usize) -> &'static str {
        self.sources.get(source).copied().unwrap_or_default()
    }

    fn has(&self, value: usize, flag: u8) -> Option<bool> {
        self.states.get(value).copied().flatten().map(|flags| flags & flag != 0)
    }

    /// The input that a value is of is on the page, and can be used.
    fn is_enabled(&self, value: usize) -> bool {
        self.has(value, DISABLED) == Some(false)
    }

    fn is_required(&self, source: usize) -> bool {
        self.has(source, REQUIRED) == Some(true)
    }

    /// The value as the client sent it; an input that is disabled or not on the page has none.
    fn value(&self, source: usize) -> &'a Value<'v> {
        match self.values.get(source) {
            Some(value) if self.is_enabled(source) => value,
            _ => &Value::Null,
        }
    }

    /// Notes a value that is too long to be read at all.
    fn fits(&mut self, source: usize) -> bool {
        let fits = !matches!(self.value(source), Value::TooLong);
        if !fits {
            self.fail::<()>(source, text(self.lang).long.to_owned());
        }
        fits
    }

    fn fail<T>(&mut self, source: usize, message: String) -> Option<T> {
        self.errors.push((self.name(source), message));
        None
    }

    fn parse<T>(&mut self, source: usize, value: &str) -> Option<T>
    where
        T: __Read,
    {
        match value.parse() {
            // `NaN` and `inf` are numbers to the parser, but to nobody who fills in a form.
            Ok(value) if !is_finite(&value) => self.fail(source, text(self.lang).number.to_owned()),
            Ok(value) => Some(value),
            Err(_) if is_number(TypeId::of::<T>()) => self.fail(source, text(self.lang).number.to_owned()),
            Err(error) => self.fail(source, error.to_string()),
        }
    }

    #[doc(hidden)]
    pub fn __one<T>(&mut self, source: usize) -> Option<T>
    where
        T: __Read,
    {
        if !self.fits(source) {
            return None;
        }
        let value = as_text(self.value(source));
        let value = value.as_deref().unwrap_or_default();
        let missing = value.trim().is_empty() && (self.is_required(source) || is_number(TypeId::of::<T>()));
        if missing {
            return self.fail(source, text(self.lang).required.to_owned());
        }
        self.parse(source, value)
    }

    #[doc(hidden)]
    pub fn __maybe<T>(&mut self, source: usize) -> Option<Option<T>>
    where
        T: __Read,
    {
        if !self.fits(source) {
            return None;
        }
        match as_text(self.value(source)) {
            Some(value) if !value.trim().is_empty() => self.parse(source, &value).map(Some),
            _ if self.is_required(source) => self.fail(source, text(self.lang).required.to_owned()),
            _ => Some(None),
        }
    }

    #[doc(hidden)]
    pub fn __many<T>(&mut self, source: usize) -> Option<Vec<T>>
    where
        T: __Read,
    {
        if !self.fits(source) {
            return None;
        }
        let list = match self.value(source) {
            Value::List(list) => list.iter().map(|item| self.parse(source, item)).collect(),
            value => as_text(value)
                .filter(|value| !value.is_empty())
                .iter()
                .map(|item| self.parse(source, item))
                .collect(),
        };
        match list {
            Some(list) if Vec::<T>::is_empty(&list) && self.is_required(source) => {
                self.fail(source, text(self.lang).required.to_owned())
            }
            list => list,
        }
    }

    #[doc(hidden)]
    pub fn __inputs<T: From<Inputs>>(&mut self, _: usize) -> Option<T> {
        let values = self.values.iter().enumerate().skip(self.sources.len());
        let read = self.reads.iter().zip(values).filter(|(_, (number, _))| self.is_enabled(*number));
        let read = read.map(|(name, (_, value))| ((*name).to_owned(), inputs::owned(value)));
        Some(read.collect::<Inputs>().into())
    }
}

pub(crate) fn as_text<'v>(value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    match value {
        Value::Null | Value::TooLong => None,
        Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::List(list) => list.first().map(|text| Cow::Borrowed(&**text)),
    }
}

fn is_finite(value: &dyn Any) -> bool {
    let single = value.downcast_ref::<f32>().is_none_or(|value| value.is_finite());
    single && value.downcast_ref::<f64>().is_none_or(|value| value.is_finite())
}

fn is_number(of: TypeId) -> bool {
    macro_rules! any { ($($number:ty)*) => { $(of == TypeId::of::<$number>())||* } }
    any!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64)
}
