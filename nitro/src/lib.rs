//! Typed elements, DOM operations and pages that live on the server.
