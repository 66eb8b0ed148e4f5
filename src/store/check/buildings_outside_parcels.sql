-- $1 day, $2 part outside that is let pass. The land itself is asked, and not the parts that are kept: a part too small to
-- be kept lies on a parcel all the same, and one that is kept may be wrong.
select b.code as "key!", b.parcel as other, o.share as figure, st_x(st_pointonsurface(b.geom)) as lon,
    st_y(st_pointonsurface(b.geom)) as lat, st_asbinary(b.geom, 'NDR') as wkb
from building b
cross join lateral (
    select coalesce(st_area(st_collectionextract(st_difference(b.geom, st_union(v.geom)), 3)::geography)
        / nullif(st_area(b.geom::geography), 0), 1) as share
    from parcel_version v
    where upper_inf(v.recorded) and v.valid @> $1::date and st_intersects(v.geom, b.geom)
) o
where upper_inf(b.recorded) and b.geom is not null
    -- A building wholly on a parcel, the common case, costs no overlay.
    and not exists (
        select from parcel_version v
        where upper_inf(v.recorded) and v.valid @> $1::date and st_covers(v.geom, b.geom))
    and o.share > $2 and not building_is_discharged(b.code, b.parcel)
order by b.code collate "C"
