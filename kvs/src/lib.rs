//! Records, feeds and transactions over redb, memory or PostgreSQL.
