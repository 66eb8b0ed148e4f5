-- Whose place may have changed since it was worked out last: $1 day. Parcels written since, parcels that meet a zone
-- written or closed since, and whatever became or ceased to be law between that day and this one.
with known as (
    select l.revision, r.recorded_at, l.same_law @> $1::date as same_law,
        daterange(least(l.day, $1::date), greatest(l.day, $1::date), '(]') as between
    from tier_law l join revision r on r.id = l.revision
), zone_changed as (
    select z.geom from zone_version z, known k where z.revision > k.revision or upper(z.recorded) > k.recorded_at
    union all
    select z.geom from zone_version z, known k
    where not k.same_law and upper_inf(z.recorded)
        and (k.between @> lower(z.valid) or k.between @> upper(z.valid))
)
select v.parcel_id as "parcel_id!" from parcel_version v
where v.revision > (select k.revision from known k) and upper_inf(v.recorded)
union
select v.parcel_id from zone_changed z
join parcel_version v on upper_inf(v.recorded) and v.valid @> $1::date and st_intersects(v.geom, z.geom)
union
select v.parcel_id from known k
join parcel_version v on not k.same_law and upper_inf(v.recorded)
    and (k.between @> lower(v.valid) or k.between @> upper(v.valid))
