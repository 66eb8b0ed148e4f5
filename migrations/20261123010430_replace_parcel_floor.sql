-- Exact sums cost a million parcels six seconds; whoever needs the same digits at any time rounds what is summed here.

create or replace function parcel_floor(tall_storey_m double precision, known_at timestamptz)
returns table (parcel_id bigint, buildings bigint, footprint_m2 double precision, floor_m2 double precision,
    used_m2 double precision, vacant_m2 double precision, use_is_known boolean)
language sql stable parallel safe
as $$
    select t.parcel_id, count(*), sum(b.footprint_m2 * t.share),
        sum(b.floor_area_m2 * t.share * w.times), sum(coalesce(b.used_floor_area_m2, 0) * t.share * w.times),
        -- Where only the use is told, the rest stands empty.
        sum(coalesce(b.vacant_floor_area_m2, b.floor_area_m2 - b.used_floor_area_m2, 0) * t.share * w.times),
        bool_and(b.used_floor_area_m2 is not null)
    from building_part t
    join building b on b.id = t.building_id
    cross join lateral (select case when b.storey_height_m > tall_storey_m then 2 else 1 end as times) w
    where t.recorded @> coalesce(known_at, 'infinity') and b.recorded @> coalesce(known_at, 'infinity')
    group by t.parcel_id
$$;
