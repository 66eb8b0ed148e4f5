-- $1 day, $2 share outside that is let pass
select p.code as "key!", v.district as other, o.share as figure, st_x(st_pointonsurface(v.geom)) as lon,
    st_y(st_pointonsurface(v.geom)) as lat, st_asbinary(v.geom, 'NDR') as wkb
from parcel_version v
join parcel p on p.id = v.parcel_id
left join district d on d.code = v.district
cross join lateral (
    select case
        when d.code is null then 1.0
        when st_coveredby(v.geom, d.geom) then 0.0
        else 1.0 - st_area(st_collectionextract(st_intersection(v.geom, d.geom), 3)::geography) / v.area_m2
    end as share
) o
where upper_inf(v.recorded) and v.valid @> $1::date and exists (select from district) and o.share > $2
order by p.code collate "C"
