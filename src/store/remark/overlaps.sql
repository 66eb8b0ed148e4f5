-- $1 revision, $2 overlap let pass in m2, $3 the most rows. What has no end lies on what has none; what ended before is history.
select s.file, s.row, s.key, s.code, q.code as other, i.m2 as "area_m2!", count(*) over () as "all!"
from stage_parcel s
join parcel p on p.code = s.code
join parcel_version a on a.parcel_id = p.id and upper_inf(a.recorded) and a.revision = $1
    and upper(a.valid) is not distinct from s.valid_to
-- Adding zero keeps the planner from reading all parcels by their number when those that meet are at hand.
join parcel_version b on a.geom && b.geom and a.parcel_id + 0 <> b.parcel_id + 0 and upper_inf(b.recorded)
    and a.valid && b.valid and (upper_inf(b.valid) or not upper_inf(a.valid))
join parcel q on q.id = b.parcel_id
cross join lateral (
    select case when st_relate(a.geom, b.geom, 'T********')
        then st_area(st_collectionextract(st_intersection(a.geom, b.geom), 3)::geography) end as m2
) i
where i.m2 > $2
    and not exists (select from stage_parcel t where t.code = q.code and (t.file, t.row) > (s.file, s.row))
order by s.file, s.row, q.code
limit $3
