-- $1 days. Only zones that end so soon are looked at: the others hold their land.
select n.number as "key!", n.parcel as other, (later.day - n.day)::double precision as figure,
    st_x(st_pointonsurface(n.geom)) as lon, st_y(st_pointonsurface(n.geom)) as lat, st_asbinary(n.geom, 'NDR') as wkb
from lockup_newcomers(null, null) n
cross join lateral (
    select upper(z.valid) as day from zone_version z
    cross join lateral lockup_place(n.geom, upper(z.valid)) p
    cross join lateral lockup_verdict('new-project', n.day, p.tier, p.locked, true, false, n.class, n.class) r
    where upper_inf(z.recorded) and z.valid @> n.day and upper(z.valid) <= n.day + $1::double precision::integer
        and z.geom && n.geom and st_intersects(z.geom, n.geom) and r.verdict <> 'allowed'
    order by upper(z.valid) limit 1) later
where n.verdict = 'allowed' and n.plan_known
order by n.number collate "C"
