-- The life of a run as steps, each once and in order, and the table of moves that the database itself enforces. What was
-- published before is the first step of its run.

create table review_move (
    from_state text not null,
    deed text not null,
    to_state text not null,
    primary key (from_state, deed)
);
comment on table review_move is 'Which deed leads from which state of a run to which; what is not here is refused. The program''s own table is the same.';
comment on column review_move.from_state is 'The state it starts from.';
comment on column review_move.deed is 'What is done.';
comment on column review_move.to_state is 'The state it leads to.';
insert into review_move (from_state, deed, to_state) values
    ('draft', 'compare', 'compared'),
    ('compared', 'compare', 'compared'),
    ('draft', 'publish', 'published'),
    ('compared', 'publish', 'published'),
    ('published', 'notice', 'noticed'),
    ('noticed', 'finalise', 'final'),
    ('draft', 'cancel', 'cancelled'),
    ('compared', 'cancel', 'cancelled');

create table review_step (
    run_id bigint not null references review_run,
    number integer not null check (number > 0),
    deed text not null,
    to_state text not null,
    on_date date not null,
    with_run bigint references review_run check (with_run < run_id),
    notice_until date check (notice_until > on_date),
    document text check (document <> ''),
    actor text not null check (actor <> ''),
    recorded_at timestamptz not null,
    revision bigint not null references revision,
    primary key (run_id, number),
    constraint review_step_compare check ((deed = 'compare') = (with_run is not null)),
    constraint review_step_notice check ((deed = 'notice') = (notice_until is not null)),
    constraint review_step_document check (deed not in ('notice', 'cancel') or document is not null)
);
comment on table review_step is 'What was done to a run since it was made, in order. Append-only: a run that should not have been is followed by a better one.';
comment on column review_step.run_id is 'The run.';
comment on column review_step.number is 'Place among the steps of the run, 1 the first.';
comment on column review_step.deed is 'What was done.';
comment on column review_step.to_state is 'The state it led to.';
comment on column review_step.on_date is 'The legal day.';
comment on column review_step.with_run is 'The earlier run that it was compared with.';
comment on column review_step.notice_until is 'The last day of public notice, on which objections are still taken.';
comment on column review_step.document is 'The notice, or why the run was cancelled.';
comment on column review_step.actor is 'Who did it.';
comment on column review_step.recorded_at is 'When it was recorded.';
comment on column review_step.revision is 'The revision that wrote this row.';

insert into review_step (run_id, number, deed, to_state, on_date, actor, recorded_at, revision)
select run_id, 1, 'publish', 'published', (published_at at time zone 'Asia/Shanghai')::date, published_by, published_at, revision
from review_publication;
drop table review_publication;
drop function refuse_own_publication();

create function review_state(of_run bigint, known timestamptz default null) returns text language sql stable parallel safe as $$
    select coalesce((select to_state from review_step
        where run_id = of_run and recorded_at <= coalesce(known, 'infinity') order by number desc limit 1), 'draft')
$$;
comment on function review_state(bigint, timestamptz) is 'The state of a run, now or as it was known at a time.';
comment on column review_run.state is 'draft: as it was made. What became of it since is in review_step.';

create function refuse_wrong_step() returns trigger language plpgsql as $$
declare
    maker text;
    last record;
    before text;
begin
    -- Two who act on one run at once come one after the other.
    perform 1 from review_run where id = new.run_id for update;
    select person(v.actor) into maker from review_run r join revision v on v.id = r.revision where r.id = new.run_id;
    select s.number, s.to_state into last from review_step s where s.run_id = new.run_id order by s.number desc limit 1;
    before := coalesce(last.to_state, 'draft');
    if new.number <> coalesce(last.number, 0) + 1 or not exists (
        select from review_move m where m.from_state = before and m.deed = new.deed and m.to_state = new.to_state) then
        raise exception 'review run %: % does not lead from % to %', new.run_id, new.deed, before, new.to_state
            using errcode = 'check_violation', constraint = 'review_step_move', hint = 'review_move lists the moves';
    end if;
    if new.deed = 'publish' and person(new.actor) = maker then
        raise exception 'review run % was made by %, who does not publish it too', new.run_id, maker
            using errcode = 'check_violation', constraint = 'review_step_four_eyes';
    end if;
    if new.deed = 'publish' and before = 'draft' and exists (
        select from review_step s join review_run o on o.id = s.run_id join review_run r on r.id = new.run_id
        where s.deed = 'publish' and o.kind = r.kind and o.id < r.id) then
        raise exception 'review run % was not compared with an earlier one', new.run_id
            using errcode = 'check_violation', constraint = 'review_step_compared';
    end if;
    if new.deed = 'finalise' and new.on_date <= (
        select s.notice_until from review_step s where s.run_id = new.run_id and s.deed = 'notice') then
        raise exception 'the public notice of review run % still runs', new.run_id
            using errcode = 'check_violation', constraint = 'review_step_notice_runs';
    end if;
    return new;
end
$$;
comment on function refuse_wrong_step() is 'Refuses a step that the table of moves does not have, a publication by the maker or without comparison, an end before the notice has run out.';
create trigger review_step_move before insert on review_step for each row execute function refuse_wrong_step();
create trigger review_step_append_only before update or delete or truncate on review_step
    for each statement execute function refuse_change();

-- What was cancelled may be made anew, under another number.
alter table review_run drop constraint review_run_same, add column attempt integer not null default 1 check (attempt > 0);
alter table review_run add constraint review_run_same unique (kind, as_of, window_years, scheme, facts_hash, attempt);
comment on column review_run.attempt is '1; one more where the same run was made before and cancelled.';
