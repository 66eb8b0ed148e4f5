-- $1 rows of building, $2 day, $3 least share of a footprint. Puts each of the buildings on its parcels.
with standing as (
    select id, parcel, geom from building where id = any($1::bigint[])
), piece as (
    -- A building wholly on a parcel, the common case, costs no overlay.
    select b.id as building_id, v.parcel_id,
        st_area(case when st_coveredby(b.geom, v.geom) then b.geom
            else st_collectionextract(st_intersection(b.geom, v.geom), 3) end::geography) as m2
    from standing b
    join parcel_version v on upper_inf(v.recorded) and v.valid @> $2::date and st_intersects(b.geom, v.geom)
), weighed as (
    select *, m2 / sum(m2) over (partition by building_id) as share,
        row_number() over (partition by building_id order by m2 desc, parcel_id) as place
    from piece where m2 > 0
), stood as (
    -- The largest part stays, however many parcels the building lies on.
    select building_id, parcel_id, m2, m2 / sum(m2) over (partition by building_id) as share
    from weighed where share >= $3 or place = 1
)
insert into building_part (building_id, parcel_id, share, footprint_m2)
select building_id, parcel_id, share, m2 from stood
union all
select b.id, p.id, 1, null from standing b join parcel p on p.code = b.parcel
where not exists (select from stood s where s.building_id = b.id)
