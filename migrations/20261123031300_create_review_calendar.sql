-- What was done of the calendar of reviews: the entries that a run of kind calendar answers, and acceptances on paper. When
-- a review is due is worked out from contract and facts each time, and kept here only for what was done.

create table review_due (
    run_id bigint not null,
    parcel text not null,
    contract text not null check (contract <> ''),
    kind text not null check (kind in ('completion', 'full_production', 'process', 'expiry')),
    number integer not null check (number > 0),
    due_on date not null,
    primary key (run_id, contract, kind, number),
    foreign key (run_id, parcel) references review_result
);
comment on table review_due is 'The reviews of the calendar that a run answers; once it is published they are done. Append-only.';
comment on column review_due.run_id is 'The run, of kind calendar.';
comment on column review_due.parcel is 'Code of the parcel.';
comment on column review_due.contract is 'Number of the contract that makes the review due.';
comment on column review_due.kind is 'completion, full_production, process or expiry.';
comment on column review_due.number is 'The how manieth of its kind, 1 the first.';
comment on column review_due.due_on is 'The last day on which it was in time, as it was counted then.';
create index review_due_parcel on review_due (run_id, parcel);

create table review_acceptance (
    id bigint generated always as identity primary key,
    contract text not null check (contract <> ''),
    kind text not null check (kind in ('completion', 'full_production', 'process', 'expiry')),
    number integer not null check (number > 0),
    verdict text not null check (verdict in ('accepted', 'withdrawn')),
    on_date date not null,
    due_on date,
    document text not null check (document <> ''),
    actor text not null check (actor <> ''),
    revision bigint not null references revision
);
comment on table review_acceptance is 'Reviews of the calendar that were done on paper, and what was withdrawn of that; the latest row of a review stands. Append-only.';
comment on column review_acceptance.id is 'Row number; a later one has a higher one.';
comment on column review_acceptance.contract is 'Number of the contract that makes the review due.';
comment on column review_acceptance.kind is 'completion, full_production, process or expiry.';
comment on column review_acceptance.number is 'The how manieth of its kind, 1 the first.';
comment on column review_acceptance.verdict is 'accepted, or withdrawn: entered by mistake.';
comment on column review_acceptance.on_date is 'The day on which the review was done, or on which it was found that it was not.';
comment on column review_acceptance.due_on is 'The last day on which it was in time, as it was counted then; null where that could not be counted.';
comment on column review_acceptance.document is 'The paper that says so.';
comment on column review_acceptance.actor is 'Who entered it.';
comment on column review_acceptance.revision is 'The revision that wrote this row.';
create index review_acceptance_contract on review_acceptance (contract, kind, number, id);

create trigger review_due_append_only before update or delete or truncate on review_due
    for each statement execute function refuse_change();
create trigger review_acceptance_append_only before update or delete or truncate on review_acceptance
    for each statement execute function refuse_change();
