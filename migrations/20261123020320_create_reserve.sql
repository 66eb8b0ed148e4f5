-- The reserve of featured parks, kept like books: a lot comes in once, parts of it go out, and never more than is there.

create table reserve_entry (
    id bigint generated always as identity primary key,
    number text not null check (number <> ''),
    lot text not null check (lot <> ''),
    side text not null check (side in ('in', 'out')),
    park text,
    parcel text,
    area_m2 numeric(16, 4) not null check (area_m2 > 0),
    on_date date not null,
    exit text check (exit in ('take_back', 'storage', 'reduction', 'market_compensation', 'platform_repurchase')),
    readiness text check (readiness in ('occupied', 'cleared', 'serviced')),
    supply_mode text check (supply_mode in ('flexible_transfer', 'long_lease', 'lease_then_transfer', 'standard_land',
        'mixed_industrial', 'comprehensive_industrial', 'multi_storey_factory')),
    document text not null check (document <> ''),
    recorded tstzrange not null check (not isempty(recorded)),
    revision bigint not null references revision,
    constraint reserve_entry_side check (
        num_nonnulls(park, exit, readiness) = case side when 'in' then 3 else 0 end
        and (supply_mode is not null) = (side = 'out')),
    constraint reserve_entry_number exclude using gist (number with =, recorded with &&),
    constraint reserve_entry_in_once exclude using gist (lot with =, recorded with &&) where (side = 'in')
);
comment on table reserve_entry is 'What came into the reserve of a park and what went out of it (储备台账); a corrected or withdrawn row is closed in recorded time.';
comment on column reserve_entry.id is 'Row number, of no meaning outside.';
comment on column reserve_entry.number is 'Number of the entry, under which it is corrected.';
comment on column reserve_entry.lot is 'The lot: land that came in together, whole, with one entry.';
comment on column reserve_entry.side is 'in 入库, out 出库.';
comment on column reserve_entry.park is 'Code of the park whose reserve the lot joins; null where land goes out, the lot says so.';
comment on column reserve_entry.parcel is 'Code of the parcel that the land was, or became; null where none is named.';
comment on column reserve_entry.area_m2 is 'How much came in or went out, m2.';
comment on column reserve_entry.on_date is 'The day it did.';
comment on column reserve_entry.exit is 'take_back 收回, storage 收储, reduction 减量, market_compensation 市场化补偿, platform_repurchase 园区平台回购; null where land goes out.';
comment on column reserve_entry.readiness is 'occupied 未腾空, cleared 净地, serviced 熟地; null where land goes out.';
comment on column reserve_entry.supply_mode is 'flexible_transfer 弹性年期出让, long_lease 长期租赁, lease_then_transfer 先租后让, standard_land 标准地, mixed_industrial 混合产业用地, comprehensive_industrial 产业综合用地, multi_storey_factory 工业上楼; null where land comes in.';
comment on column reserve_entry.document is 'The document that says so.';
comment on column reserve_entry.recorded is 'Times at which this was what the register believed.';
comment on column reserve_entry.revision is 'The revision that wrote this row.';
create index reserve_entry_lot on reserve_entry (lot) where upper_inf(recorded);

-- At the end of each transaction, so that the entries of a lot may be written in any order.
create function refuse_overdrawn_lot() returns trigger language plpgsql as $$
declare
    wrong record;
begin
    -- Writers queue here, as everywhere: what another takes out is seen before it is counted what is left.
    perform from revision_head for update;
    select b.lot, b.on_date, b.left_m2 into wrong
    from (
        select t.lot, t.on_date, sum(case t.side when 'in' then t.area_m2 else -t.area_m2 end)
            over (partition by t.lot order by t.on_date, t.side, t.id) as left_m2
        from reserve_entry t where t.lot in (old.lot, new.lot) and upper_inf(t.recorded)) b
    where b.left_m2 < 0
    order by b.on_date, b.lot limit 1;
    if found then
        raise exception 'lot %: % m2 more went out by % than came in', wrong.lot, -wrong.left_m2, wrong.on_date
            using errcode = 'check_violation', constraint = 'reserve_balance',
                hint = 'what comes in on a day is there before anything goes out on it';
    end if;
    return null;
end
$$;
comment on function refuse_overdrawn_lot() is 'Refuses entries by which more has gone out of a lot on some day than had come in.';
create constraint trigger reserve_balance after insert or update or delete on reserve_entry
    deferrable initially deferred for each row execute function refuse_overdrawn_lot();

create unlogged table stage_reserve (
    file smallint not null,
    row bigint not null,
    key text not null,
    number text not null,
    lot text not null,
    side text not null,
    park text,
    parcel text,
    area_m2 numeric(16, 4) not null,
    on_date date not null,
    exit text,
    readiness text,
    supply_mode text,
    document text not null
);
comment on table stage_reserve is 'Rows of reserve_entry on their way in; columns as in the register''s own table.';
comment on column stage_reserve.file is 'Which of the import''s files, from 0.';
comment on column stage_reserve.row is 'Which row of that file, from 1.';
comment on column stage_reserve.key is 'What a finding calls the row.';
comment on column stage_reserve.number is 'As in reserve_entry.';
comment on column stage_reserve.lot is 'As in reserve_entry.';
comment on column stage_reserve.side is 'As in reserve_entry.';
comment on column stage_reserve.park is 'As in reserve_entry.';
comment on column stage_reserve.parcel is 'As in reserve_entry.';
comment on column stage_reserve.area_m2 is 'As in reserve_entry, m2.';
comment on column stage_reserve.on_date is 'As in reserve_entry.';
comment on column stage_reserve.exit is 'As in reserve_entry.';
comment on column stage_reserve.readiness is 'As in reserve_entry.';
comment on column stage_reserve.supply_mode is 'As in reserve_entry.';
comment on column stage_reserve.document is 'As in reserve_entry.';
