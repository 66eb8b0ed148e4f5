-- The rules, and how they are asked, are those of the judgement (lockup_projects).
select n.number as "key!", n.parcel as other, null::double precision as figure,
    st_x(st_pointonsurface(v.geom)) as lon, st_y(st_pointonsurface(v.geom)) as lat, st_asbinary(v.geom, 'NDR') as wkb
from lockup_projects(null) n
join parcel p on p.code = n.parcel
left join lateral (
    select o.geom from parcel_version o where o.parcel_id = p.id and upper_inf(o.recorded)
    order by upper(o.valid) desc nulls first limit 1) v on true
where n.verdict <> 'allowed'
order by n.number collate "C"
