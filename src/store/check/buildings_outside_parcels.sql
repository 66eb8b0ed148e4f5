-- $1 part outside that is let pass
select b.code as "key!", b.parcel as other, o.share as figure, st_x(st_pointonsurface(b.geom)) as lon,
    st_y(st_pointonsurface(b.geom)) as lat, st_asbinary(b.geom, 'NDR') as wkb
from building b
left join (
    select building_id, sum(footprint_m2) as m2 from building_part where upper_inf(recorded) group by building_id
) t on t.building_id = b.id
cross join lateral (
    select 1 - coalesce(t.m2, 0) / nullif(st_area(b.geom::geography), 0) as share
) o
where upper_inf(b.recorded) and b.geom is not null and o.share > $1
order by b.code collate "C"
