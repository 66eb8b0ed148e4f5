-- The life of each parcel as states in two times, and the table of moves that the database itself enforces.

create table lifecycle_move (
    from_state text not null,
    deed text not null,
    to_state text not null,
    primary key (from_state, deed, to_state)
);
comment on table lifecycle_move is 'Which deed leads from which state of a parcel''s life to which; what is not here is refused. The program''s own table is the same.';
comment on column lifecycle_move.from_state is 'The state it starts from.';
comment on column lifecycle_move.deed is 'What is done.';
comment on column lifecycle_move.to_state is 'The state it leads to.';
insert into lifecycle_move (from_state, deed, to_state) values
    ('reserved', 'begin_assessment', 'pre_assessed'),
    ('pre_assessed', 'announce', 'announced'),
    ('announced', 'fail_to_sell', 'reserved'),
    ('announced', 'sign', 'contracted'),
    ('contracted', 'rescind', 'reserved'),
    ('contracted', 'hand_over', 'delivered'),
    ('delivered', 'start', 'building'),
    ('delayed', 'start', 'building'),
    ('idle', 'start', 'building'),
    ('delivered', 'miss_date', 'delayed'),
    ('building', 'miss_date', 'delayed'),
    ('completed', 'miss_date', 'delayed'),
    ('in_production', 'miss_date', 'delayed'),
    ('delayed', 'extend', 'delayed'),
    ('delayed', 'investigate_idleness', 'idle'),
    ('building', 'investigate_idleness', 'idle'),
    ('idle', 'recognise_idleness', 'idle'),
    ('idle', 'remedy_idleness', 'delayed'),
    ('building', 'accept', 'completed'),
    ('delayed', 'accept', 'completed'),
    ('completed', 'produce', 'in_production'),
    ('delayed', 'produce', 'in_production'),
    ('in_production', 'reach_targets', 'operating'),
    ('delayed', 'reach_targets', 'operating'),
    ('in_production', 'rectify', 'rectifying'),
    ('operating', 'rectify', 'rectifying'),
    ('rectifying', 'pass_reassessment', 'operating'),
    ('listed', 'pass_reassessment', 'operating'),
    ('in_production', 'list', 'listed'),
    ('operating', 'list', 'listed'),
    ('rectifying', 'list', 'listed'),
    ('operating', 'renew', 'renewing'),
    ('listed', 'renew', 'renewing'),
    ('renewing', 'amend_contract', 'building'),
    ('completed', 'near_expiry', 'expiring'),
    ('in_production', 'near_expiry', 'expiring'),
    ('operating', 'near_expiry', 'expiring'),
    ('rectifying', 'near_expiry', 'expiring'),
    ('listed', 'near_expiry', 'expiring'),
    ('expiring', 'renew_term', 'operating'),
    ('expiring', 'lapse', 'taken_back'),
    ('delayed', 'decide_disposal', 'disposing'),
    ('idle', 'decide_disposal', 'disposing'),
    ('listed', 'decide_disposal', 'disposing'),
    ('disposing', 'uphold_objection', 'delayed'),
    ('disposing', 'uphold_objection', 'idle'),
    ('disposing', 'uphold_objection', 'listed'),
    ('disposing', 'take_back', 'taken_back'),
    ('disposing', 'store', 'stored'),
    ('disposing', 'reduce', 'reduced'),
    ('taken_back', 'reserve', 'reserved'),
    ('stored', 'reserve', 'reserved'),
    ('taken_back', 'leave_industry', 'non_industrial'),
    ('stored', 'leave_industry', 'non_industrial'),
    ('reduced', 'leave_industry', 'non_industrial'),
    ('reserved', 'succeed', 'succeeded'),
    ('pre_assessed', 'succeed', 'succeeded'),
    ('announced', 'succeed', 'succeeded'),
    ('contracted', 'succeed', 'succeeded'),
    ('delivered', 'succeed', 'succeeded'),
    ('building', 'succeed', 'succeeded'),
    ('delayed', 'succeed', 'succeeded'),
    ('idle', 'succeed', 'succeeded'),
    ('completed', 'succeed', 'succeeded'),
    ('in_production', 'succeed', 'succeeded'),
    ('operating', 'succeed', 'succeeded'),
    ('rectifying', 'succeed', 'succeeded'),
    ('listed', 'succeed', 'succeeded'),
    ('renewing', 'succeed', 'succeeded'),
    ('expiring', 'succeed', 'succeeded'),
    ('disposing', 'succeed', 'succeeded'),
    ('taken_back', 'succeed', 'succeeded'),
    ('stored', 'succeed', 'succeeded'),
    ('reduced', 'succeed', 'succeeded');

create table parcel_state (
    id bigint generated always as identity primary key,
    parcel_id bigint not null references parcel,
    since date not null,
    valid daterange not null check (isempty(valid) or lower(valid) = since),
    recorded tstzrange not null check (not isempty(recorded)),
    state text not null,
    facts jsonb not null check (facts ->> 'state' = state),
    deed text not null,
    document text not null check (document <> ''),
    revision bigint not null references revision,
    constraint parcel_state_overlap exclude using gist (parcel_id with =, valid with &&, recorded with &&)
);
comment on table parcel_state is 'Where each parcel is in its life, in two times; each state with the deed and the document that led to it.';
comment on column parcel_state.id is 'Row number, of no meaning outside.';
comment on column parcel_state.parcel_id is 'The parcel.';
comment on column parcel_state.since is 'The legal day of the deed that led to it.';
comment on column parcel_state.valid is 'Days on which the parcel is in this state; empty where the next deed was done on the same day.';
comment on column parcel_state.recorded is 'Times at which this was what the register believed.';
comment on column parcel_state.state is 'The state.';
comment on column parcel_state.facts is 'The state with its facts.';
comment on column parcel_state.deed is 'What led to it; found where the register met the parcel in this state.';
comment on column parcel_state.document is 'The document that the deed rests on.';
comment on column parcel_state.revision is 'The revision that wrote this version.';

-- At the end of each transaction, so that a state may be closed and its successor written in any order. The whole life
-- is looked at, because a version that is withdrawn may leave a gap behind.
create function refuse_unknown_move() returns trigger language plpgsql as $$
declare
    wrong record;
begin
    select c.* into wrong
    from (
        select t.state, t.deed, t.since, lag(t.state) over w as from_state,
            lag(case when isempty(t.valid) then t.since else upper(t.valid) end) over w as left_on
        from parcel_state t where t.parcel_id = new.parcel_id and upper_inf(t.recorded)
        window w as (order by t.since, t.id)) c
    where case when c.from_state is null then c.deed <> 'found'
        else c.left_on is distinct from c.since or not exists (
            select from lifecycle_move m
            where m.from_state = c.from_state and m.deed = c.deed and m.to_state = c.state) end
    limit 1;
    if found then
        raise exception 'parcel %: % does not lead from % to % on %', new.parcel_id, wrong.deed,
            coalesce(wrong.from_state, 'no state'), wrong.state, wrong.since
            using errcode = 'check_violation', constraint = 'parcel_state_move',
                hint = 'lifecycle_move lists the moves; the first state of a parcel is found';
    end if;
    return null;
end
$$;
comment on function refuse_unknown_move() is 'Refuses a state to which no move of the table leads from the state before it.';
create constraint trigger parcel_state_move after insert or update on parcel_state
    deferrable initially deferred for each row execute function refuse_unknown_move();
