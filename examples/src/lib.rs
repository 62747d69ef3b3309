//! The demo: counter, login and chat.
