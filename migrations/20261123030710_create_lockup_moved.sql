-- Land that moves under a contract. A project is judged by the land that it was signed on; where that is drawn differently
-- later, by more than a new survey may differ from what was believed at the signature, it is judged again.
alter table lockup_claim drop constraint lockup_claim_what_check,
    add constraint lockup_claim_what_check
        check (what in ('zone', 'land', 'was', 'had', 'use', 'becomes', 'signed', 'contract', 'lay'));
comment on column lockup_claim.what is 'zone: locked land of a base that was believed; land: a parcel in a protected use that was believed; was: one in another use; had: one in no other use; use: a version in another use; becomes: a version in no other use; signed: a contract that was believed; contract: a contract; lay: where a parcel under a contract was believed to lie, null of one that is written.';
comment on column lockup_claim.thing is 'Row number of the parcel for land, was, had and lay, of the version or contract otherwise.';
create index lockup_claim_what_thing on lockup_claim (what, thing);

create function lockup_moved() returns table (contract bigint, version bigint)
language sql stable
as $$
    select c.id, v.id
    from (select distinct l.thing from lockup_claim l where l.what = 'lay') l
    join parcel p on p.id = l.thing
    join contract c on c.parcel = p.code and upper_inf(c.recorded) and c.signed_on >= (select lockup_projects_since())
    join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded)
        and v.valid && daterange(c.signed_on, case
            when coalesce(least(upper(c.valid), c.term_ends_on), 'infinity') > c.signed_on then least(upper(c.valid), c.term_ends_on)
            else c.signed_on + 1 end)
    left join contract_known k on k.number = c.number and k.parcel = c.parcel and k.signed_on = c.signed_on
        and k.holder is not distinct from c.holder
    where not exists (select from lockup_claim g where g.what = 'lay' and g.thing = l.thing and g.geom = v.geom)
        and st_area(coalesce(st_collectionextract(st_difference(v.geom, k.land), 3), v.geom)::geography)
            > lockup_value('lockup-tolerance-m2', greatest(c.signed_on, lower(v.valid)))
$$;
comment on function lockup_moved() is 'Contracts signed under the second lock, with the versions in the transaction under way by which their land moves beyond what it was believed to be when they were signed.';

-- Parcels: of what was believed in a protected use under a lock, something may be taken; under a contract, the land may move.
create or replace function lockup_claims_of_parcels() returns trigger language plpgsql security definer as $$
begin
    perform from revision_head for update;
    insert into lockup_claim (what, thing, code, class, valid, geom, asks)
    select case when k.class = 'other' then 'was' else side.what end, o.parcel_id, p.code, k.class, o.valid, o.geom,
        row_number() over () = 1
    from gone o
    join parcel p on p.id = o.parcel_id
    cross join lateral (select land_use_class_of(o.land_use_scheme, o.land_use) as class) k
    cross join lateral (
        select 'land' as what union all select 'was' where k.class not in ('industrial', 'other')) side
    where upper_inf(o.recorded)
        -- What this transaction itself wrote was not believed before it.
        and (k.class = 'industrial' or side.what = 'land' and k.class <> 'other'
            or not exists (select from lockup_claim c where c.what = 'use' and c.thing = o.id))
        and exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.geom && o.geom and st_intersects(z.geom, o.geom));
    insert into lockup_claim (what, thing, valid, asks)
    select 'had', o.parcel_id, o.valid, false
    from gone o
    where upper_inf(o.recorded) and land_use_class_of(o.land_use_scheme, o.land_use) <> 'other'
        and not exists (select from lockup_claim c where c.what = 'becomes' and c.thing = o.id);
    insert into lockup_claim (what, thing, code, valid, geom, asks)
    select 'lay', o.parcel_id, p.code, o.valid, o.geom, row_number() over () = 1
    from gone o
    join parcel p on p.id = o.parcel_id
    where upper_inf(o.recorded)
        and exists (
            select from contract c
            where c.parcel = p.code and upper_inf(c.recorded) and c.signed_on >= (select lockup_projects_since()))
        and not exists (
            select from lockup_claim g where g.what = 'lay' and g.thing = o.parcel_id and (g.valid is null or g.valid && o.valid));
    return null;
end
$$;

-- Parcels: what begins in another use on locked land, may become industrial, or may be land that moves under a contract; of
-- that, what was there before is asked when all is written.
create or replace function lockup_claims_of_uses() returns trigger language plpgsql security definer as $$
begin
    insert into lockup_claim (what, thing, code, class, valid, asks)
    select c.what, c.id, p.code, c.class, c.valid, row_number() over () = 1
    from (
        select 'use' as what, v.id, v.parcel_id, k.class, v.valid
        from written v cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
        where upper_inf(v.recorded) and not lower_inf(v.valid) and k.class <> 'industrial'
            and exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.geom && v.geom and st_intersects(z.geom, v.geom))
        union all
        select 'becomes', v.id, v.parcel_id, k.class, v.valid
        from written v cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
        where upper_inf(v.recorded) and k.class <> 'other'
    ) c
    join parcel p on p.id = c.parcel_id;
    insert into lockup_claim (what, thing, code, asks)
    select 'lay', p.id, p.code, row_number() over () = 1
    from (select distinct v.parcel_id from written v where upper_inf(v.recorded)) v
    join parcel p on p.id = v.parcel_id
    where exists (
            select from contract c
            where c.parcel = p.code and upper_inf(c.recorded) and c.signed_on >= (select lockup_projects_since()))
        and not exists (select from lockup_claim g where g.what = 'lay' and g.thing = p.id);
    return null;
end
$$;

do $$
declare
    name text;
begin
    foreach name in array array['lockup_claims_of_parcels()', 'lockup_claims_of_uses()'] loop
        execute format('alter function %s set search_path = %I, public, pg_temp', name, current_schema);
    end loop;
end
$$;
