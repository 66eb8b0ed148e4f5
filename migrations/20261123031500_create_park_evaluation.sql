-- The yearly evaluation of parks: the schemes as they were used, the evaluations with one receipt a park, and what was done
-- to each. An evaluation is a draft until another person than who made it publishes it; of a scheme one is published a year,
-- in the order of the years.

create table park_scheme (
    hash text primary key check (hash ~ '^[0-9a-f]{64}$'),
    name text not null check (name <> ''),
    version text not null check (version <> ''),
    source text not null
);
comment on table park_scheme is 'The text of every scheme that an evaluation of parks used, so that it can be read years later.';
comment on column park_scheme.hash is 'SHA-256 of the source, hex.';
comment on column park_scheme.name is 'Name of the scheme, the same in all its versions.';
comment on column park_scheme.version is 'Its version.';
comment on column park_scheme.source is 'The file as it was, under the version of the formulas.';

create table park_evaluation (
    id bigint generated always as identity primary key,
    year integer not null check (year between 1949 and 9999),
    as_of date not null,
    scheme text not null references park_scheme,
    review_run bigint references review_run,
    facts_hash text not null check (facts_hash ~ '^[0-9a-f]{64}$'),
    attempt integer not null check (attempt > 0),
    revision bigint not null references revision,
    constraint park_evaluation_same unique (year, as_of, scheme, facts_hash, attempt),
    constraint park_evaluation_year_is_over check (as_of >= make_date(year, 12, 31))
);
comment on table park_evaluation is 'Evaluations of all parks for a year. The same facts under the same scheme on the same day are the same evaluation.';
comment on column park_evaluation.id is 'Number of the evaluation.';
comment on column park_evaluation.year is 'The year that it evaluates.';
comment on column park_evaluation.as_of is 'The day whose law and land it looks at, at the end of that year or later.';
comment on column park_evaluation.scheme is 'The scheme it used.';
comment on column park_evaluation.review_run is 'The published review of parcels out of which the grades of the land are; null where none was.';
comment on column park_evaluation.facts_hash is 'SHA-256 over the frozen facts, hex.';
comment on column park_evaluation.attempt is '1; one more where the same evaluation was made before and cancelled.';
comment on column park_evaluation.revision is 'The revision that stored it.';

create table park_result (
    evaluation bigint not null references park_evaluation,
    park text not null,
    score double precision,
    rank integer check (rank > 0),
    stars integer check (stars between 0 and 5),
    came_to text not null check (came_to in ('passed', 'failed', 'not_judged')),
    receipt text not null,
    receipt_hash text not null check (receipt_hash ~ '^[0-9a-f]{64}$'),
    primary key (evaluation, park),
    constraint park_result_judged check ((came_to = 'not_judged') = (score is null)
        and (score is null) = (rank is null) and (score is null) = (stars is null))
);
comment on table park_result is 'What an evaluation found about a park. Append-only.';
comment on column park_result.evaluation is 'The evaluation.';
comment on column park_result.park is 'Code of the park.';
comment on column park_result.score is 'Score, 100 where every figure is at the median of the parks; null where it cannot be judged.';
comment on column park_result.rank is 'Place among the parks, 1 the best; parks of one score share it.';
comment on column park_result.stars is 'Stars, 0 to 5.';
comment on column park_result.came_to is 'What the year counts as: passed, failed, not_judged.';
comment on column park_result.receipt is 'Canonical JSON (RFC 8785): facts, benchmarks, what each figure gave, the scheme.';
comment on column park_result.receipt_hash is 'SHA-256 of the receipt, hex.';
create trigger park_result_append_only before update or delete or truncate on park_result
    for each statement execute function refuse_change();

create table park_step (
    evaluation bigint primary key references park_evaluation,
    deed text not null check (deed in ('publish', 'cancel')),
    on_date date not null,
    document text not null check (btrim(document) <> ''),
    actor text not null check (actor <> ''),
    recorded_at timestamptz not null,
    revision bigint not null references revision
);
comment on table park_step is 'What became of a draft: it was published, or given up; either once and for good. Append-only.';
comment on column park_step.evaluation is 'The evaluation.';
comment on column park_step.deed is 'publish or cancel.';
comment on column park_step.on_date is 'The legal day.';
comment on column park_step.document is 'The announcement with which it was published, or why it was given up.';
comment on column park_step.actor is 'Who did it.';
comment on column park_step.recorded_at is 'When it was recorded.';
comment on column park_step.revision is 'The revision that wrote this row.';
create trigger park_step_append_only before update or delete or truncate on park_step
    for each statement execute function refuse_change();

create function park_evaluation_state(of_evaluation bigint) returns text language sql stable parallel safe as $$
    select coalesce((select case deed when 'publish' then 'published' else 'cancelled' end
        from park_step where evaluation = of_evaluation), 'draft')
$$;
comment on function park_evaluation_state(bigint) is 'draft, published or cancelled.';

create function refuse_wrong_park_step() returns trigger language plpgsql as $$
declare
    mine record;
    other bigint;
begin
    -- Whoever writes comes after whoever writes already, through the program or past it.
    perform 1 from revision_head for update;
    select e.year, s.name, person(v.actor) as maker into mine
        from park_evaluation e join park_scheme s on s.hash = e.scheme join revision v on v.id = e.revision
        where e.id = new.evaluation;
    if new.deed = 'publish' and person(new.actor) = mine.maker then
        raise exception 'park evaluation % was made by %, who does not publish it too', new.evaluation, mine.maker
            using errcode = 'check_violation', constraint = 'park_step_four_eyes';
    end if;
    select e.id into other from park_step p join park_evaluation e on e.id = p.evaluation
        join park_scheme s on s.hash = e.scheme
        where p.deed = 'publish' and s.name = mine.name and e.year >= mine.year order by e.year desc limit 1;
    if new.deed = 'publish' and other is not null then
        raise exception 'park evaluation % of scheme % is published for that year or a later one', other, mine.name
            using errcode = 'check_violation', constraint = 'park_step_one_a_year';
    end if;
    return new;
end
$$;
comment on function refuse_wrong_park_step() is 'Refuses the publication of an evaluation by its maker, of a second one of a year, and of an earlier year after a later one.';
create trigger park_step_order before insert on park_step for each row execute function refuse_wrong_park_step();
