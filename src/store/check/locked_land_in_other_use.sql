-- $1 day. What began in another use when it was locked, and lay there in no such use before. Stock that was so from the
-- start of the register has no first day and is none of it, nor is land that was research or storage from its first day.
select p.code as "key!", v.land_use as other, st_area(lockup_locked(v.geom, lower(v.valid))::geography) as figure,
    st_x(at.point) as lon, st_y(at.point) as lat, st_asbinary(v.geom, 'NDR') as wkb
from parcel_version v
join parcel p on p.id = v.parcel_id
cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
cross join lateral (select st_pointonsurface(v.geom) as point) at
where upper_inf(v.recorded) and v.valid @> $1::date and not lower_inf(v.valid) and k.class <> 'industrial'
    and lockup_forbids('change-of-use', lower(v.valid), false, 'industrial', k.class)
    and exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.valid @> lower(v.valid) and st_intersects(z.geom, v.geom))
    and (select l.locked from lockup_place(v.geom, lower(v.valid)) l)
    and not exists (
        select from parcel_version o
        where upper_inf(o.recorded) and o.valid << v.valid and o.geom && v.geom and st_intersects(o.geom, at.point)
            and land_use_class_of(o.land_use_scheme, o.land_use) = k.class)
    and (k.class = 'other' or exists (
        select from parcel_version o
        where upper_inf(o.recorded) and o.valid << v.valid and o.geom && v.geom and st_intersects(o.geom, at.point)))
    and not exists (
        select from special_approval a
        where a.used_in is not null and a.deed = 'change-of-use' and a.to_use = v.land_use
            and a.to_use_scheme = v.land_use_scheme and st_intersects(a.geom, at.point))
order by p.code collate "C"
