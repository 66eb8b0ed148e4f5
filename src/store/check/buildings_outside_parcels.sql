-- $1 day, $2 part outside that is let pass
select b.code as "key!", b.parcel as other, o.share as figure, st_x(st_pointonsurface(b.geom)) as lon,
    st_y(st_pointonsurface(b.geom)) as lat, st_asbinary(b.geom, 'NDR') as wkb
from building b
join parcel p on p.code = b.parcel
join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid @> $1::date
cross join lateral (
    select case
        when st_coveredby(b.geom, v.geom) then 0.0
        else 1.0 - st_area(st_collectionextract(st_intersection(b.geom, v.geom), 3)) / nullif(st_area(b.geom), 0)
    end as share
) o
where upper_inf(b.recorded) and b.geom is not null and o.share > $2
order by b.code collate "C"
