-- $1 shapes as EWKB, $2 degrees within which corners are one. One shape after the other is laid to those before it: they get
-- its corners, it gets theirs. What would be no valid polygon any more is left as it was.
with recursive given as (
    select one::geometry as geom, place from unnest($1::text[]) with ordinality t (one, place)
), laid as (
    select geom, place from given where place = 1
    union all
    select st_union(before.geom, next.geom), g.place
    from laid l
    join given g on g.place = l.place + 1
    cross join lateral (select st_snap(l.geom, g.geom, $2) as geom) b
    cross join lateral (select case when st_isvalid(b.geom) then b.geom else l.geom end as geom) before
    cross join lateral (select st_snap(g.geom, before.geom, $2) as geom) n
    cross join lateral (select case when st_isvalid(n.geom) then n.geom else g.geom end as geom) next
)
select st_asbinary(st_multi(geom), 'NDR') as "wkb!" from laid order by place desc limit 1
