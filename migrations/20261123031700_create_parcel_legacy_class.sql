-- In which part of the older division the land of some parcels lies. A body of its own, as that of city_tiers, so that the planner
-- does not take its answer for two hundred rows; only for parcels that are named, because an overlay of every parcel of a city with
-- a layer takes seconds.
create function parcel_legacy_class(day date, deciding_share double precision, among bigint[])
returns table (parcel_id bigint, class text)
language plpgsql stable parallel safe rows 10000 as $$
begin
    return query
    -- A parcel wholly inside an area, the common case, costs no overlay: its piece is null.
    with piece as materialized (
        select p.parcel_id, p.area_m2, l.code, l.class,
            case when not st_coveredby(p.geom, l.geom)
                then st_collectionextract(st_intersection(p.geom, l.geom), 3) end as geom
        from parcel_version p
        join legacy_area_version l on upper_inf(l.recorded) and l.valid @> day and st_intersects(p.geom, l.geom)
        where upper_inf(p.recorded) and p.valid @> day and p.parcel_id = any (among)
    ),
    -- The share of a class is that of the union of its areas: land in two of them counts once.
    held as (
        select c.parcel_id, c.class,
            case when bool_or(c.geom is null) then 1.0
                else least(1.0, coalesce(st_area(st_union(c.geom order by c.code)::geography), 0.0) / max(c.area_m2))
            end as share
        from piece c group by c.parcel_id, c.class
    )
    select distinct on (h.parcel_id) h.parcel_id, h.class from held h
    where h.share >= deciding_share - 1e-9
    order by h.parcel_id, h.share desc, h.class;
end
$$;
comment on function parcel_legacy_class(date, double precision, bigint[]) is
    'Of the parcels named that are law on the day, as believed now: the class of the older division (104, 195, 198) whose areas together hold the largest share of the land, if that is at least deciding_share; no row where none does.';
