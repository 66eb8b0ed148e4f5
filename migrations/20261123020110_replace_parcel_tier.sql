-- Where parcels stand: one function instead of three that laid land and zones over each other in the same words. New in it:
-- a lock holds by the land in locked zones alone, also where a community is drawn over it; and shares that differ by less
-- than a billionth are the same, so that rounding decides nothing.

drop function parcel_tier(date, double precision);
drop function parcel_tier_of(date, double precision, bigint[]);
drop function parcel_tier_at(date, double precision, timestamptz, geometry);

create function parcel_tier_at(
    day date, deciding_share double precision, known_at timestamptz default null, within geometry default null,
    among bigint[] default null
)
returns table (parcel_id bigint, tier text, locked boolean, zone text, share double precision)
language sql stable parallel safe
as $$
    -- Not materialized, so that the spatial join sees indexes and statistics: half the time at the city's size.
    with law_parcel as not materialized (
        select v.parcel_id, v.area_m2, v.geom from parcel_version v
        where v.recorded @> coalesce(known_at, 'infinity') and v.valid @> day
            and (within is null or st_intersects(v.geom, within))
            and (among is null or v.parcel_id = any (among))
    ),
    -- A parcel wholly inside a zone, the common case, costs no overlay: its piece is null. Kept, so that a piece is
    -- made once.
    piece as materialized (
        select p.parcel_id, p.area_m2, z.code, z.tier, z.locked,
            case when not st_coveredby(p.geom, z.geom)
                then st_collectionextract(st_intersection(p.geom, z.geom), 3) end as geom
        from law_parcel p
        join zone_version z
            on z.recorded @> coalesce(known_at, 'infinity') and z.valid @> day and st_intersects(p.geom, z.geom)
    ),
    -- The share of a tier is that of the union of its zones: land in two zones counts once.
    held as (
        select c.parcel_id, c.tier,
            case when bool_or(c.geom is null) then 1.0
                else least(1.0, coalesce(st_area(st_union(c.geom order by c.code)::geography), 0.0) / max(c.area_m2))
            end as share,
            case when bool_or(c.locked and c.geom is null) then 1.0
                else least(1.0, coalesce(st_area((st_union(c.geom order by c.code)
                    filter (where c.locked))::geography), 0.0) / max(c.area_m2))
            end as locked_share,
            (array_agg(c.code order by c.geom is null desc, st_area(c.geom) desc, c.code))[1] as zone
        from piece c group by c.parcel_id, c.tier
        -- What touches no zone has its row too.
        union all
        select p.parcel_id, 'fragmented', 0.0, 0.0, null from law_parcel p
    ),
    -- Only a base is locked, so its row has the lock of the parcel.
    judged as (
        select h.*, h.share >= deciding_share - 1e-9 as decides,
            max(h.locked_share) over (partition by h.parcel_id) >= deciding_share - 1e-9 as is_locked
        from held h
    )
    -- Of two tiers with the same share the more protected one decides, and base comes before community.
    select distinct on (j.parcel_id) j.parcel_id,
        case when j.decides then j.tier else 'fragmented' end,
        j.is_locked,
        case when j.decides then j.zone end,
        j.share
    from judged j order by j.parcel_id, round(j.share * 1e9) desc, j.zone is null, j.tier
$$;
comment on function parcel_tier_at(date, double precision, timestamptz, geometry, bigint[]) is 'For every parcel that is law on the day, as believed at known_at (null: now), that meets within (null: everywhere) and is among those named (null: all): the tier whose zones together hold the largest share of its land, if that is at least deciding_share, else fragmented; whether locked zones hold at least as much; the zone of the tier that holds most; and the share.';
