-- $1 revision, $2 day, $3 deciding share. A parcel wholly inside a zone, the common case, costs no overlay.
with now_parcel as (
    select parcel_id, area_m2, geom from parcel_version where upper_inf(recorded) and valid @> $2::date
), overlap as (
    select p.parcel_id, z.code, z.tier, z.locked,
        case when st_coveredby(p.geom, z.geom) then 1.0
             else least(1.0, st_area(st_intersection(p.geom, z.geom)::geography) / p.area_m2) end as share
    from now_parcel p
    join zone_version z on upper_inf(z.recorded) and z.valid @> $2::date and st_intersects(p.geom, z.geom)
), deciding as (
    select distinct on (parcel_id) * from overlap order by parcel_id, share desc, code
), placed as (
    select p.parcel_id,
        case when d.share >= $3 then d.tier else 'fragmented' end as tier,
        coalesce(d.share >= $3 and d.locked, false) as locked,
        case when d.share >= $3 then d.code end as zone,
        coalesce(d.share, 0.0) as share
    from now_parcel p left join deciding d using (parcel_id)
)
insert into parcel_place as t (parcel_id, tier, locked, zone, share, revision)
select parcel_id, tier, locked, zone, share, $1 from placed
on conflict (parcel_id) do update
set tier = excluded.tier, locked = excluded.locked, zone = excluded.zone, share = excluded.share,
    revision = excluded.revision
where (t.tier, t.locked, t.zone, t.share) is distinct from (excluded.tier, excluded.locked, excluded.zone, excluded.share)
