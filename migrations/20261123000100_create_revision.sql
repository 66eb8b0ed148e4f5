-- One revision number for the whole city, and the audit trail that hangs on it.

create table city (
    only_row boolean primary key default true check (only_row),
    name text not null,
    name_en text not null,
    made_up boolean not null default false,
    note_zh text,
    note_en text,
    origin text
);
comment on table city is 'What city this schema holds; one row. Every other table of the city lives beside it.';
comment on column city.only_row is 'Keeps the table to one row.';
comment on column city.name is 'Its Chinese name.';
comment on column city.name_en is 'Its English name.';
comment on column city.made_up is 'Whether the data are invented for a demonstration; shown on every screen.';
comment on column city.note_zh is 'What a reader must know about the data, in Chinese.';
comment on column city.note_en is 'The same in English.';
comment on column city.origin is 'What made a made-up city, e.g. demo parcels=48501 seed=310000; null for a real one.';

create table revision_head (
    only_row boolean primary key default true check (only_row),
    id bigint not null
);
comment on table revision_head is 'The newest revision. A write transaction updates this row first, so writers queue here and numbers have no gap.';
comment on column revision_head.only_row is 'Keeps the table to one row.';
comment on column revision_head.id is 'The newest revision that is committed, or being written.';
insert into revision_head (id) values (0);

create table revision (
    id bigint primary key,
    recorded_at timestamptz not null,
    actor text not null check (actor <> ''),
    act text not null check (act <> '')
);
comment on table revision is 'Every write transaction, in order.';
comment on column revision.id is 'Its number: the atlas, ETags, tiles and answers quote it.';
comment on column revision.recorded_at is 'When it was written, by the database clock; later than the revision before.';
comment on column revision.actor is 'Who wrote.';
comment on column revision.act is 'What was done, a stable word such as import-parcels.';

create table audit_entry (
    id bigint generated always as identity primary key,
    revision bigint not null references revision,
    entry text not null,
    previous_hash bytea,
    hash bytea not null unique check (octet_length(hash) = 32)
);
comment on table audit_entry is 'What was done by whom, hash-chained so that a missing or altered entry shows.';
comment on column audit_entry.id is 'Order in the chain.';
comment on column audit_entry.revision is 'The transaction it was written in.';
comment on column audit_entry.entry is 'Canonical JSON (RFC 8785) of the act: actor, act, revision, subject and facts.';
comment on column audit_entry.previous_hash is 'The hash of the entry before; null for the first.';
comment on column audit_entry.hash is 'SHA-256 over the previous hash and the entry.';
create index audit_entry_revision on audit_entry (revision);
