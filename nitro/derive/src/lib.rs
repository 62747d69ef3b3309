//! The Event derive of nitro.
