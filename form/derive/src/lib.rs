//! The Form derive of form.
