-- Zones that end while contracts on their land run on: $1 day, $2 deciding share, $3 whether only those that wait in the
-- staging table. A zone that its next version of the same tier follows without a gap does not end, and land that another zone
-- of the tier holds from then on is left out.
with ending as (
    select z.code, z.tier, upper(z.valid) as ends_on, z.geom from zone_version z
    where upper_inf(z.recorded) and not upper_inf(z.valid)
        and not exists (select from zone_version n where n.code = z.code and n.tier = z.tier and upper_inf(n.recorded)
            and lower(n.valid) = upper(z.valid))
        and (not $3::bool or exists (select from stage_zone s where s.code = z.code))
), running as (
    select e.code, e.ends_on, e.geom, c.number
    from ending e
    cross join lateral parcel_tier_at(e.ends_on - 1, $2, within => e.geom) held
    join parcel p on p.id = held.parcel_id and held.zone = e.code
    join contract c on c.parcel = p.code and upper_inf(c.recorded) and c.valid @> $1::date
        and c.term_starts_on < e.ends_on and c.term_ends_on > greatest(e.ends_on, $1::date)
    left join lateral (
        select t.parcel_id, t.tier from parcel_tier_at(e.ends_on, $2, within => e.geom) t) after
        on after.parcel_id = held.parcel_id
    where after.tier is distinct from held.tier
)
select code as "key!", ends_on::text as other, count(*)::float8 as figure, st_x(st_pointonsurface(geom)) as lon,
    st_y(st_pointonsurface(geom)) as lat, st_asbinary(geom, 'NDR') as wkb
from running group by code, ends_on, geom
order by code collate "C", ends_on
