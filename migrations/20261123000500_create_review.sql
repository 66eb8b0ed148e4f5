-- Review schemes as they were used, runs, and one result with its receipt for every parcel in scope.

create table review_scheme (
    hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
    name text not null,
    title_zh text not null,
    title_en text not null,
    source text not null
);
comment on table review_scheme is 'The text of every scheme and decision table that a run used, so that the run can be read years later.';
comment on column review_scheme.hash is 'SHA-256 of the source, hex.';
comment on column review_scheme.name is 'Name and version of the scheme.';
comment on column review_scheme.title_zh is 'Its title in Chinese.';
comment on column review_scheme.title_en is 'Its title in English.';
comment on column review_scheme.source is 'The files as they were, joined: the scheme, the decision table, the rulebook.';

create table review_run (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('round', 'calendar')),
    as_of date not null,
    window_years integer not null check (window_years between 3 and 5),
    scheme text not null references review_scheme,
    facts_hash text not null check (facts_hash ~ '^[0-9a-f]{64}$'),
    state text not null check (state in ('draft')),
    revision bigint not null references revision,
    constraint review_run_same unique (kind, as_of, window_years, scheme, facts_hash)
);
comment on table review_run is 'A run of a review. The same facts under the same rules on the same day are the same run.';
comment on column review_run.id is 'Number of the run.';
comment on column review_run.kind is 'round: the citywide round; calendar: what contracts make due.';
comment on column review_run.as_of is 'The day it judges.';
comment on column review_run.window_years is 'How many full years before that day it looks at.';
comment on column review_run.scheme is 'The rules it used.';
comment on column review_run.facts_hash is 'SHA-256 over the frozen facts, hex.';
comment on column review_run.state is 'draft until publishing exists.';
comment on column review_run.revision is 'The revision that stored it.';

create table review_result (
    run_id bigint not null references review_run,
    parcel text not null,
    grade text not null check (grade in ('A', 'B', 'C', 'D', 'T')),
    score double precision,
    rank integer,
    list text check (list in ('exit', 'renewal')),
    outcome text not null,
    receipt text not null,
    receipt_hash text not null check (receipt_hash ~ '^[0-9a-f]{64}$'),
    primary key (run_id, parcel)
);
comment on table review_result is 'What a run found about a parcel.';
comment on column review_result.run_id is 'The run.';
comment on column review_result.parcel is 'Code of the parcel.';
comment on column review_result.grade is 'A to D, or T: cannot be judged.';
comment on column review_result.score is 'Score, 100 where every figure meets its benchmark; null for T.';
comment on column review_result.rank is 'Place in the city, 1 the best; null for T.';
comment on column review_result.list is 'The list it goes on, if any.';
comment on column review_result.outcome is 'What the decision table recommends.';
comment on column review_result.receipt is 'Canonical JSON (RFC 8785): figures and their origin, benchmarks, what was missing, the decision row and its ground.';
comment on column review_result.receipt_hash is 'SHA-256 of the receipt, hex.';
create index review_result_list on review_result (run_id, list) where list is not null;
