-- What failing years come to (one notification, twice delisted), and the life of a featured park. Each is a chain of moves
-- that nobody can add to but as the tables of moves say.

create table park_life_move (
    from_state text not null,
    act text not null,
    to_state text not null,
    primary key (from_state, act)
);
comment on table park_life_move is 'Which act leads from which state of a featured park to which; what is not here is refused. The program''s own table is the same.';
comment on column park_life_move.from_state is 'The state it starts from; empty before the first application.';
comment on column park_life_move.act is 'What happens.';
comment on column park_life_move.to_state is 'The state it leads to.';
insert into park_life_move (from_state, act, to_state) values
    ('', 'apply', 'applied'),
    ('applied', 'refuse', 'exited'),
    ('applied', 'announce', 'announced'),
    ('announced', 'operate', 'operating'),
    ('announced', 'exit', 'exited'),
    ('operating', 'exit', 'exited'),
    ('exited', 'apply', 'applied');

create table park_life (
    park text not null references park,
    number integer not null check (number > 0),
    act text not null,
    to_state text not null,
    on_date date not null,
    document text not null check (btrim(document) <> ''),
    actor text not null check (actor <> ''),
    recorded_at timestamptz not null,
    revision bigint not null references revision,
    primary key (park, number)
);
comment on table park_life is 'The life of featured parks: application, announcement, operation, exit, each with its document. Append-only.';
comment on column park_life.park is 'Code of the park.';
comment on column park_life.number is 'Place among the moves of the park, 1 the first.';
comment on column park_life.act is 'What happened.';
comment on column park_life.to_state is 'The state it led to.';
comment on column park_life.on_date is 'The legal day.';
comment on column park_life.document is 'The document that says so.';
comment on column park_life.actor is 'Who entered it.';
comment on column park_life.recorded_at is 'When it was recorded.';
comment on column park_life.revision is 'The revision that wrote this row.';
create trigger park_life_append_only before update or delete or truncate on park_life
    for each statement execute function refuse_change();

create function refuse_wrong_park_life() returns trigger language plpgsql as $$
declare
    last record;
    before text;
begin
    perform 1 from revision_head for update;
    select l.number, l.to_state, l.on_date, person(l.actor) as person into last
        from park_life l where l.park = new.park order by l.number desc limit 1;
    before := coalesce(last.to_state, '');
    if new.number <> coalesce(last.number, 0) + 1 or not exists (
        select from park_life_move m where m.from_state = before and m.act = new.act and m.to_state = new.to_state) then
        raise exception 'park %: % does not lead from % to %', new.park, new.act, before, new.to_state
            using errcode = 'check_violation', constraint = 'park_life_move', hint = 'park_life_move lists the moves';
    end if;
    if new.on_date < last.on_date then
        raise exception 'park %: % is before %, the day of the move before', new.park, new.on_date, last.on_date
            using errcode = 'check_violation', constraint = 'park_life_order';
    end if;
    if before = 'applied' and person(new.actor) = last.person then
        raise exception 'park %: the application was entered by %, who does not decide on it too', new.park, last.person
            using errcode = 'check_violation', constraint = 'park_life_four_eyes';
    end if;
    return new;
end
$$;
comment on function refuse_wrong_park_life() is 'Refuses a move that the table of moves does not have, one before the move before it, and a decision by who entered the application.';
create trigger park_life_order before insert on park_life for each row execute function refuse_wrong_park_life();

create table park_standing_move (
    from_state text not null,
    came_to text not null,
    to_state text not null,
    primary key (from_state, came_to)
);
comment on table park_standing_move is 'What a year, or an announcement, makes of the standing of a park; what is not here is refused. The program''s own table is the same.';
comment on column park_standing_move.from_state is 'The standing before.';
comment on column park_standing_move.came_to is 'What the year counts as, or announced.';
comment on column park_standing_move.to_state is 'The standing after.';
insert into park_standing_move (from_state, came_to, to_state) values
    ('good', 'passed', 'good'),
    ('good', 'not_judged', 'good'),
    ('good', 'failed', 'notified'),
    ('notified', 'passed', 'good'),
    ('notified', 'not_judged', 'notified'),
    ('notified', 'failed', 'delisted'),
    ('delisted', 'announced', 'good');

create table park_standing (
    park text not null,
    scheme text not null,
    number integer not null check (number > 0),
    came_to text not null,
    to_state text not null,
    year integer,
    evaluation bigint references park_evaluation,
    failed_year integer,
    again_year integer,
    revision bigint not null references revision,
    primary key (park, scheme, number),
    constraint park_standing_of_an_evaluation check (
        (came_to = 'announced') = (evaluation is null) and (evaluation is null) = (year is null)),
    constraint park_standing_years check ((failed_year is not null) = (to_state in ('notified', 'delisted'))
        and (again_year is not null) = (to_state = 'delisted') and again_year > failed_year)
);
comment on table park_standing is 'Where parks stand after each published evaluation: one notification, twice delisted. A park stands under each scheme by itself. Append-only.';
comment on column park_standing.park is 'Code of the park.';
comment on column park_standing.scheme is 'Name of the scheme, whatever its version.';
comment on column park_standing.number is 'Place among the moves of the park under the scheme, 1 the first.';
comment on column park_standing.came_to is 'What the year counts as; announced where a delisted park began anew.';
comment on column park_standing.to_state is 'good, notified or delisted.';
comment on column park_standing.year is 'The year; null for an announcement.';
comment on column park_standing.evaluation is 'The published evaluation; null for an announcement.';
comment on column park_standing.failed_year is 'The year that failed first, while that is held against it.';
comment on column park_standing.again_year is 'The year for which it was delisted.';
comment on column park_standing.revision is 'The revision that wrote this row.';
create index park_standing_evaluation on park_standing (evaluation);
create trigger park_standing_append_only before update or delete or truncate on park_standing
    for each statement execute function refuse_change();

create function refuse_wrong_park_standing() returns trigger language plpgsql as $$
declare
    last record;
    before text;
begin
    perform 1 from revision_head for update;
    select s.number, s.to_state, s.failed_year into last
        from park_standing s where s.park = new.park and s.scheme = new.scheme order by s.number desc limit 1;
    before := coalesce(last.to_state, 'good');
    if new.number <> coalesce(last.number, 0) + 1 or not exists (
        select from park_standing_move m
        where m.from_state = before and m.came_to = new.came_to and m.to_state = new.to_state) then
        raise exception 'park %: a year that is % does not lead from % to %', new.park, new.came_to, before, new.to_state
            using errcode = 'check_violation', constraint = 'park_standing_move', hint = 'park_standing_move lists the moves';
    end if;
    if new.came_to = 'announced' then
        if not exists (
            select from park_life l where l.park = new.park and l.act = 'announce' and l.revision = new.revision) then
            raise exception 'park %: nothing announces it in revision %', new.park, new.revision
                using errcode = 'check_violation', constraint = 'park_standing_announced';
        end if;
        return new;
    end if;
    if not exists (
        select from park_result r join park_evaluation e on e.id = r.evaluation join park_scheme s on s.hash = e.scheme
            join park_step p on p.evaluation = e.id and p.deed = 'publish'
        where e.id = new.evaluation and r.park = new.park and r.came_to = new.came_to and e.year = new.year
            and s.name = new.scheme) then
        raise exception 'park %: no published evaluation % of scheme % says that % was %',
            new.park, new.evaluation, new.scheme, new.year, new.came_to
            using errcode = 'check_violation', constraint = 'park_standing_published';
    end if;
    if exists (
        select from park_standing s where s.park = new.park and s.scheme = new.scheme and s.year >= new.year) then
        raise exception 'park %: year % is not after the last that was counted', new.park, new.year
            using errcode = 'check_violation', constraint = 'park_standing_one_a_year';
    end if;
    if new.to_state <> 'good' and new.failed_year <> coalesce(last.failed_year, new.year)
        or new.to_state = 'delisted' and new.again_year <> new.year then
        raise exception 'park %: the years that failed are others', new.park
            using errcode = 'check_violation', constraint = 'park_standing_years';
    end if;
    return new;
end
$$;
comment on function refuse_wrong_park_standing() is 'Refuses a standing that does not follow from the one before and from what a published evaluation, or an announcement, says.';
create trigger park_standing_order before insert on park_standing
    for each row execute function refuse_wrong_park_standing();

create function refuse_uncounted_parks() returns trigger language plpgsql as $$
begin
    if new.deed = 'publish' and exists (
        select from park_result r where r.evaluation = new.evaluation and not exists (
            select from park_standing s where s.evaluation = r.evaluation and s.park = r.park)) then
        raise exception 'park evaluation % is published, and a park in it stands where it stood', new.evaluation
            using errcode = 'check_violation', constraint = 'park_step_counts';
    end if;
    return null;
end
$$;
comment on function refuse_uncounted_parks() is 'At the end of the transaction: refuses a publication after which the year of a park is not counted.';
create constraint trigger park_step_counts after insert on park_step deferrable initially deferred
    for each row execute function refuse_uncounted_parks();

create function refuse_park_still_delisted() returns trigger language plpgsql as $$
begin
    if new.act = 'announce' and exists (
        select from (select distinct on (scheme) to_state from park_standing
            where park = new.park order by scheme, number desc) now
        where to_state = 'delisted') then
        raise exception 'park % is announced, and is delisted still', new.park
            using errcode = 'check_violation', constraint = 'park_life_begins_anew';
    end if;
    return null;
end
$$;
comment on function refuse_park_still_delisted() is 'At the end of the transaction: refuses an announcement that leaves a park delisted.';
create constraint trigger park_life_begins_anew after insert on park_life deferrable initially deferred
    for each row execute function refuse_park_still_delisted();
