//! Attributes that take text: a closed list, in which nothing can run code or load anything.

use std::fmt;

/// The name of an attribute. `on*`, `style`, `srcdoc` and the like do not exist here;
/// addresses have methods of their own, which take a [`Url`](crate::Url).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attr(&'static str);

impl Attr {
    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Attr {
    /// The attribute's value is ids of elements of the same component.
    pub(crate) fn names_ids(self) -> bool {
        let Attr(name) = self;
        matches!(name, "aria-controls" | "aria-describedby" | "aria-labelledby" | "for" | "list")
    }
}

pub(crate) const HREF: Attr = Attr("href");
pub(crate) const SRC: Attr = Attr("src");

macro_rules! attrs {
    ($($constant:ident $name:literal)*) => {
        $(
            #[doc = concat!("The attribute `", $name, "`.")]
            pub const $constant: Attr = Attr($name);
        )*
    };
}

attrs! {
    ACCEPT "accept"
    ACCESSKEY "accesskey"
    ALT "alt"
    ARIA_ATOMIC "aria-atomic"
    ARIA_BUSY "aria-busy"
    ARIA_CHECKED "aria-checked"
    ARIA_CONTROLS "aria-controls"
    ARIA_CURRENT "aria-current"
    ARIA_DESCRIBEDBY "aria-describedby"
    ARIA_EXPANDED "aria-expanded"
    ARIA_HIDDEN "aria-hidden"
    ARIA_INVALID "aria-invalid"
    ARIA_LABEL "aria-label"
    ARIA_LABELLEDBY "aria-labelledby"
    ARIA_LIVE "aria-live"
    ARIA_PRESSED "aria-pressed"
    ARIA_SELECTED "aria-selected"
    ARIA_SORT "aria-sort"
    AUTOCOMPLETE "autocomplete"
    AUTOFOCUS "autofocus"
    COLSPAN "colspan"
    DATA_OWN "data-own"
    DATETIME "datetime"
    DIR "dir"
    DOWNLOAD "download"
    ENTERKEYHINT "enterkeyhint"
    FOR "for"
    HEIGHT "height"
    INPUTMODE "inputmode"
    LANG "lang"
    LIST "list"
    MAX "max"
    MAXLENGTH "maxlength"
    MIN "min"
    MINLENGTH "minlength"
    MULTIPLE "multiple"
    NAME "name"
    OPEN "open"
    PATTERN "pattern"
    PLACEHOLDER "placeholder"
    READONLY "readonly"
    REL "rel"
    ROLE "role"
    ROWS "rows"
    ROWSPAN "rowspan"
    SCOPE "scope"
    SELECTED "selected"
    SIZE "size"
    SPELLCHECK "spellcheck"
    STEP "step"
    TABINDEX "tabindex"
    TARGET "target"
    TITLE "title"
    TYPE "type"
    VALUE "value"
    WIDTH "width"
}
