-- $1 day, $2 largest gap in m2. A block is the first twelve signs of a parcel's code.
with block as (
    select left(p.code, 12) as code, st_union(v.geom) as geom
    from parcel_version v join parcel p on p.id = v.parcel_id
    where upper_inf(v.recorded) and v.valid @> $1::date group by 1
), hole as (
    select b.code, st_multi(st_makepolygon(st_interiorringn(d.geom, n))) as geom
    from block b cross join lateral st_dump(b.geom) d
    cross join lateral generate_series(1, st_numinteriorrings(d.geom)) n
)
select h.code as "key!", null::text as other, st_area(h.geom::geography) as figure,
    st_x(st_pointonsurface(h.geom)) as lon, st_y(st_pointonsurface(h.geom)) as lat, st_asbinary(h.geom, 'NDR') as wkb
from hole h
where st_area(h.geom::geography) <= $2
    -- Land of another block in the hole is no gap.
    and not exists (
        select from parcel_version o where o.geom && h.geom and upper_inf(o.recorded) and o.valid @> $1::date
            and st_relate(o.geom, h.geom, 'T********'))
order by h.code collate "C", 4, 5
