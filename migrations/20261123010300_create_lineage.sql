-- How parcels come out of parcels: events on a document, who took part, which land went where, what became of duties.
-- What the register promises of lineage is held here as well as in the program: nobody splits a parcel by hand and
-- leaves half of it.

create table lineage_event (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('split', 'merge', 'adjust', 'retire')),
    on_date date not null,
    document text not null check (document <> ''),
    ground text not null check (ground <> ''),
    revision bigint not null references revision
);
comment on table lineage_event is 'Splits, merges, boundary adjustments and retirements of parcels. Each has one kind, one day, one document and one ground, and stays as it was written.';
comment on column lineage_event.id is 'Number of the event.';
comment on column lineage_event.kind is 'split 分割, merge 合并, adjust 界址调整, retire 注销.';
comment on column lineage_event.on_date is 'The legal day: parents are law until the day before, children from this day.';
comment on column lineage_event.document is 'The document it hangs on.';
comment on column lineage_event.ground is 'Its one cause, in words.';
comment on column lineage_event.revision is 'The revision that wrote it.';

create table lineage_party (
    event bigint not null references lineage_event,
    parcel_id bigint not null references parcel,
    part text not null check (part in ('ended', 'begun', 'changed')),
    area_before_m2 double precision check (area_before_m2 > 0),
    area_after_m2 double precision check (area_after_m2 > 0),
    primary key (event, parcel_id),
    check ((area_before_m2 is not null) = (part in ('ended', 'changed'))),
    check ((area_after_m2 is not null) = (part in ('begun', 'changed')))
);
comment on table lineage_party is 'The parcels of an event. A parcel is begun by one event at most, and ended by one at most.';
comment on column lineage_party.event is 'The event.';
comment on column lineage_party.parcel_id is 'The parcel.';
comment on column lineage_party.part is 'ended: historic from the day on; begun: law from the day on; changed: the same parcel in other bounds.';
comment on column lineage_party.area_before_m2 is 'Geodesic area before the event, m2; null for a parcel that it began.';
comment on column lineage_party.area_after_m2 is 'Geodesic area after the event, m2; null for a parcel that it ended.';
create unique index lineage_party_ended on lineage_party (parcel_id) where part = 'ended';
create unique index lineage_party_begun on lineage_party (parcel_id) where part = 'begun';
create index lineage_party_parcel on lineage_party (parcel_id);

create table lineage_link (
    event bigint not null,
    parent bigint not null,
    child bigint not null,
    area_m2 double precision not null check (area_m2 > 0),
    primary key (event, parent, child),
    foreign key (event, parent) references lineage_party,
    foreign key (event, child) references lineage_party
);
comment on table lineage_link is 'Which land went where: one row, read from the parent forwards and from the child backwards.';
comment on column lineage_link.event is 'The event.';
comment on column lineage_link.parent is 'The parcel whose land it was.';
comment on column lineage_link.child is 'The parcel whose land it became.';
comment on column lineage_link.area_m2 is 'Geodesic area of that land, m2.';
create index lineage_link_parent on lineage_link (parent);
create index lineage_link_child on lineage_link (child);

create table lineage_duty (
    id bigint generated always as identity primary key,
    event bigint not null references lineage_event,
    thing text not null check (thing in ('contract', 'obligation', 'bond', 'building', 'occupancy')),
    from_parcel bigint not null references parcel,
    from_number text not null,
    to_parcel bigint references parcel,
    to_number text,
    treatment text not null check (treatment in ('copied', 'shared', 'discharged')),
    measure text,
    whole numeric(18, 6),
    share numeric(18, 6),
    ground text,
    check ((to_parcel is null) = (to_number is null) and (to_parcel is null) = (treatment = 'discharged')),
    check ((treatment = 'discharged') = (ground is not null)),
    check ((treatment = 'shared') = (share is not null) and (share is null or whole is not null and measure is not null))
);
comment on table lineage_duty is 'What became of every contract, obligation, bond, building and occupancy of the parents of an event.';
comment on column lineage_duty.id is 'Row number, of no meaning outside.';
comment on column lineage_duty.event is 'The event.';
comment on column lineage_duty.thing is 'What kind of thing it is.';
comment on column lineage_duty.from_parcel is 'The parcel it lay on.';
comment on column lineage_duty.from_number is 'Its number there; a bond is contract/part, an occupancy enterprise/role/first day.';
comment on column lineage_duty.to_parcel is 'The parcel it lies on since; null where it was discharged.';
comment on column lineage_duty.to_number is 'Its number there.';
comment on column lineage_duty.treatment is 'copied: whole; shared: in parts that sum to the whole; discharged: ended, for the ground given.';
comment on column lineage_duty.measure is 'Which figure was shared.';
comment on column lineage_duty.whole is 'The figure before the event.';
comment on column lineage_duty.share is 'The part of it that came here.';
comment on column lineage_duty.ground is 'Why it was discharged.';
create index lineage_duty_event on lineage_duty (event);
create index lineage_duty_to_parcel on lineage_duty (to_parcel);

-- Whether an event is whole. Asked at the end of the transaction, so that its rows may come in any order.
create function lineage_is_whole() returns trigger language plpgsql as $$
declare
    it record;
    wrong text;
begin
    select e.id, e.kind, e.on_date,
        count(*) filter (where y.part = 'ended') as ended,
        count(*) filter (where y.part = 'begun') as begun,
        count(*) filter (where y.part = 'changed') as changed
    into it
    from lineage_event e left join lineage_party y on y.event = e.id
    where e.id = (to_jsonb(new) ->> tg_argv[0])::bigint group by e.id;
    wrong := case
        when it.kind = 'split' and not (it.ended = 1 and it.begun >= 2 and it.changed = 0) then 'a split ends one parcel and begins two or more'
        when it.kind = 'merge' and not (it.ended >= 2 and it.begun = 1 and it.changed = 0) then 'a merge ends two or more parcels and begins one'
        when it.kind = 'adjust' and not (it.ended = 0 and it.begun = 0 and it.changed >= 2) then 'an adjustment changes two or more parcels'
        when it.kind = 'retire' and not (it.ended >= 1 and it.begun = 0 and it.changed = 0) then 'a retirement ends parcels and begins none'
        when it.kind = 'retire' and exists (select from lineage_link l where l.event = it.id) then 'a retirement has no links'
        when it.kind <> 'retire' and exists (
            select from lineage_party y where y.event = it.id and y.part in ('ended', 'changed')
                and not exists (select from lineage_link l where l.event = it.id and l.parent = y.parcel_id)) then 'a parent has no child'
        when it.kind <> 'retire' and exists (
            select from lineage_party y where y.event = it.id and y.part in ('begun', 'changed')
                and not exists (select from lineage_link l where l.event = it.id and l.child = y.parcel_id)) then 'a child has no parent'
        when exists (
            select from lineage_link l join lineage_party a on a.event = l.event and a.parcel_id = l.parent
                join lineage_party b on b.event = l.event and b.parcel_id = l.child
            where l.event = it.id and (a.part = 'begun' or b.part = 'ended')) then 'a link runs from what ended to what began'
        when exists (
            select from lineage_party y join parcel_version v on v.parcel_id = y.parcel_id and upper_inf(v.recorded)
            where y.event = it.id and y.part = 'ended' and not v.valid << daterange(it.on_date, null)) then 'a parent is law after its end'
        when exists (
            select from lineage_party y join parcel_version v on v.parcel_id = y.parcel_id and upper_inf(v.recorded)
            where y.event = it.id and y.part = 'begun' and not v.valid <@ daterange(it.on_date, null)) then 'a child is law before its beginning'
        when exists (
            select from lineage_party y where y.event = it.id and y.part in ('begun', 'changed')
                and not exists (select from parcel_version v where v.parcel_id = y.parcel_id and upper_inf(v.recorded) and lower(v.valid) = it.on_date))
            then 'a child is not law from the day of the event'
        when exists (
            select from lineage_duty d where d.event = it.id and d.treatment = 'shared'
            group by d.thing, d.from_parcel, d.from_number, d.measure
            having count(distinct d.whole) <> 1 or sum(d.share) <> max(d.whole)) then 'the shares of a duty do not sum to the whole'
    end;
    if wrong is not null then
        raise exception using errcode = 'check_violation', constraint = 'lineage_whole',
            message = format('lineage event %s (%s of %s): %s', it.id, it.kind, it.on_date, wrong);
    end if;
    return null;
end
$$;
comment on function lineage_is_whole() is 'Refuses an event whose parties, links, versions or shares are not whole at the end of the transaction.';
create constraint trigger lineage_event_whole after insert on lineage_event
    deferrable initially deferred for each row execute function lineage_is_whole('id');
create constraint trigger lineage_party_whole after insert on lineage_party
    deferrable initially deferred for each row execute function lineage_is_whole('event');
create constraint trigger lineage_link_whole after insert on lineage_link
    deferrable initially deferred for each row execute function lineage_is_whole('event');
create constraint trigger lineage_duty_whole after insert on lineage_duty
    deferrable initially deferred for each row execute function lineage_is_whole('event');

-- Whoever writes versions later, by import or by hand, does not revive what ended or antedate what began. Once for a
-- statement, because an import inserts a million rows in one.
create function lineage_bounds_versions() returns trigger language plpgsql as $$
declare
    it record;
begin
    select p.code, y.part, e.on_date into it
    from fresh v join lineage_party y on y.parcel_id = v.parcel_id join lineage_event e on e.id = y.event
        join parcel p on p.id = v.parcel_id
    where upper_inf(v.recorded) and case y.part
        when 'ended' then not v.valid << daterange(e.on_date, null)
        when 'begun' then not v.valid <@ daterange(e.on_date, null)
        else false end
    limit 1;
    if it.code is not null then
        raise exception using errcode = 'check_violation', constraint = 'lineage_bounds',
            message = format('parcel %s was %s on %s; no version of it may be law on the other side of that day', it.code, it.part, it.on_date);
    end if;
    return null;
end
$$;
comment on function lineage_bounds_versions() is 'Refuses a version of a parcel on or after the day on which an event ended it, or before the day on which one began it.';
create trigger parcel_version_lineage after insert on parcel_version
    referencing new table as fresh for each statement execute function lineage_bounds_versions();

-- History is not rewritten.
create function lineage_stays() returns trigger language plpgsql as $$
begin
    raise exception using errcode = 'check_violation', constraint = 'lineage_stays',
        message = format('%s keeps what was written; a mistake is mended by another event', tg_table_name);
end
$$;
comment on function lineage_stays() is 'Refuses every change to lineage once it is written.';
create trigger lineage_event_stays before update or delete on lineage_event for each statement execute function lineage_stays();
create trigger lineage_party_stays before update or delete on lineage_party for each statement execute function lineage_stays();
create trigger lineage_link_stays before update or delete on lineage_link for each statement execute function lineage_stays();
create trigger lineage_duty_stays before update or delete on lineage_duty for each statement execute function lineage_stays();
