-- What a transaction has to answer for is noted also where it has put the lock aside for a while: land under a zone that the
-- transaction itself changed or struck, and projects that it began while a zone was there that it took back.
create index contract_known_act on contract_known (act);

create or replace function lockup_claims_of_zones() returns trigger language plpgsql security definer as $$
begin
    -- Writers queue here, as everywhere: what another takes is seen before it is judged what this one takes.
    perform from revision_head for update;
    insert into lockup_claim (what, thing, code, valid, geom, asks)
    select 'zone', o.id, o.code, o.valid, o.geom, row_number() over () = 1 from gone o where upper_inf(o.recorded) and o.locked;
    insert into lockup_claim (what, thing, code, asks)
    select 'contract', c.id, c.number, row_number() over () = 1
    from contract_known k
    join contract c on c.number = k.number and c.parcel = k.parcel and c.signed_on = k.signed_on
        and c.holder is not distinct from k.holder and upper_inf(c.recorded)
    where k.act = pg_current_xact_id()::text and c.signed_on >= (select lockup_projects_since())
        and exists (select from gone o where upper_inf(o.recorded));
    return null;
end
$$;

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
        and (exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.geom && o.geom and st_intersects(z.geom, o.geom))
            or exists (select from lockup_claim z where z.what = 'zone' and z.geom && o.geom and st_intersects(z.geom, o.geom)));
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

create or replace function lockup_claims_of_uses() returns trigger language plpgsql security definer as $$
begin
    insert into lockup_claim (what, thing, code, class, valid, asks)
    select c.what, c.id, p.code, c.class, c.valid, row_number() over () = 1
    from (
        select 'use' as what, v.id, v.parcel_id, k.class, v.valid
        from written v cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
        where upper_inf(v.recorded) and not lower_inf(v.valid) and k.class <> 'industrial'
            and (exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.geom && v.geom and st_intersects(z.geom, v.geom))
                or exists (select from lockup_claim z where z.what = 'zone' and z.geom && v.geom and st_intersects(z.geom, v.geom)))
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
    foreach name in array array['lockup_claims_of_zones()', 'lockup_claims_of_parcels()', 'lockup_claims_of_uses()'] loop
        execute format('alter function %s set search_path = %I, public, pg_temp', name, current_schema);
    end loop;
end
$$;
