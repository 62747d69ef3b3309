//! Sessions, sealed events, the protocol chain, channels, processes and pub/sub.
