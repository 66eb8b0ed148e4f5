-- $1 day, $2 overlap let pass in m2. Adding zero keeps the planner from reading half of all parcels by their number for
-- each parcel, when the few that it meets are at hand.
select p.code as "key!", q.code as other, st_area(i.geom::geography) as figure,
    st_x(st_pointonsurface(i.geom)) as lon, st_y(st_pointonsurface(i.geom)) as lat, st_asbinary(i.geom, 'NDR') as wkb
from parcel_version a
join parcel_version b on a.geom && b.geom and a.parcel_id + 0 < b.parcel_id + 0 and upper_inf(b.recorded) and b.valid @> $1::date
join parcel p on p.id = a.parcel_id
join parcel q on q.id = b.parcel_id
cross join lateral (
    select case when st_relate(a.geom, b.geom, 'T********')
        then st_multi(st_collectionextract(st_intersection(a.geom, b.geom), 3)) end as geom
) i
where upper_inf(a.recorded) and a.valid @> $1::date and st_area(i.geom::geography) > $2
order by p.code collate "C", q.code collate "C"
