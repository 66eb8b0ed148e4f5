-- A holder whose other contract, told while the register opened, makes him a stock owner rests on no late one; nor does one on
-- whose land a base or community lies.
with opening as (
    select at, act from contract_known order by at, act limit 1
), late as (
    select k.number, k.parcel, k.holder, min(k.at) as at
    from contract_known k
    where k.signed_on < (select lockup_projects_since())
    group by k.number, k.parcel, k.holder
    having not bool_or(k.act = (select o.act from opening o))
)
select t.number as "key!", later.number as other, extract(epoch from l.at - (select o.at from opening o))::double precision / 86400 as figure,
    st_x(st_pointonsurface(land.geom)) as lon, st_y(st_pointonsurface(land.geom)) as lat, st_asbinary(land.geom, 'NDR') as wkb
from late l
join contract t on t.number = l.number and t.parcel = l.parcel and t.holder is not distinct from l.holder and upper_inf(t.recorded)
    and t.signed_on < (select lockup_projects_since())
join parcel p on p.code = t.parcel
cross join lateral (
    select c.number, c.signed_on from contract c
    where c.parcel = t.parcel and c.number <> t.number and upper_inf(c.recorded) and c.signed_on >= (select lockup_projects_since())
        and (c.holder = t.holder or c.holder is null and t.holder is null and c.supplements = t.number)
    order by c.signed_on, c.number limit 1) later
cross join lateral (
    select v.geom, land_use_class_of(v.land_use_scheme, v.land_use) as class from parcel_version v
    where v.parcel_id = p.id and upper_inf(v.recorded) and (v.valid @> later.signed_on or lower(v.valid) > later.signed_on)
    order by lower(v.valid) nulls first limit 1) land
cross join lateral lockup_place(land.geom, later.signed_on) place
cross join lateral lockup_verdict('new-project', later.signed_on, place.tier, place.locked, place.plan_known, false, land.class,
    land.class) r
where r.verdict <> 'allowed'
    and not exists (
        select from contract o join contract_known k on k.number = o.number and k.parcel = o.parcel and k.holder is not distinct from o.holder
        where o.parcel = t.parcel and o.holder is not distinct from t.holder and upper_inf(o.recorded)
            and o.signed_on < (select lockup_projects_since()) and k.signed_on < (select lockup_projects_since())
            and k.act = (select b.act from opening b))
    and not exists (
        select from special_approval a
        where a.deed = 'continuation' and a.subject = t.number and a.holder is not distinct from t.holder
            and a.confirmed_in is not null and a.withdrawn_in is null)
order by t.number collate "C"
