//! Declarative forms and the screens made from them.
