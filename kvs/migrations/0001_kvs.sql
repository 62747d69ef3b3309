-- One ordered key space. A key longer than 1,900 bytes does not fit into an index row, so its rest is a
-- column of its own, and unique by its hash.
create table kvs (
    k bytea not null,
    rest bytea not null,
    v bytea not null
);
create unique index kvs_key on kvs (k, sha256(rest));
-- Values are compressed by nobody: they are small, or compressed already.
alter table kvs alter column v set storage external;
