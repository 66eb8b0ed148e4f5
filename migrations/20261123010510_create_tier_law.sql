-- Where parcels stand is worked out for what changed, and kept for what stands in some zone.

create table tier_law (
    only_row boolean primary key default true check (only_row),
    revision bigint not null references revision,
    day date not null,
    deciding_share double precision not null,
    same_law daterange not null
);
comment on table tier_law is 'By which law parcel_place was worked out last; no row before the first time.';
comment on column tier_law.only_row is 'Keeps the table to one row.';
comment on column tier_law.revision is 'The revision up to which parcels and zones were looked at.';
comment on column tier_law.day is 'The day for which it was worked out.';
comment on column tier_law.deciding_share is 'The share of its land that decided on a parcel''s tier.';
comment on column tier_law.same_law is 'The days around it on which the same versions of parcels and zones are law, as far as is known.';

-- A table that is worked out from others, by one statement: references of its own told nothing and cost half its time.
alter table parcel_place drop constraint parcel_place_parcel_id_fkey, drop constraint parcel_place_revision_fkey;
delete from parcel_place where tier = 'fragmented' and share = 0;
comment on table parcel_place is 'Where each parcel stands in the three tiers on one day: what parcel_tier answers, kept for those who ask for today. A parcel without a row stands outside all zones. Worked out again for whatever a write changed, and on each day on which a version becomes or ceases to be law.';

create function parcel_tier_of(day date, deciding_share double precision, among bigint[])
returns table (parcel_id bigint, tier text, locked boolean, zone text, share double precision)
language sql stable parallel safe
as $$
    -- Not materialized, so that the spatial join sees indexes and statistics: half the time at the city's size.
    with law_parcel as not materialized (
        select v.parcel_id, v.area_m2, v.geom from parcel_version v
        where upper_inf(v.recorded) and v.valid @> day and (among is null or v.parcel_id = any (among))
    ),
    -- A parcel wholly inside a zone, the common case, costs no overlay: its piece is null. Kept, so that a piece is
    -- made once.
    piece as materialized (
        select p.parcel_id, p.area_m2, z.code, z.tier, z.locked,
            case when not st_coveredby(p.geom, z.geom)
                then st_collectionextract(st_intersection(p.geom, z.geom), 3) end as geom
        from law_parcel p
        join zone_version z on upper_inf(z.recorded) and z.valid @> day and st_intersects(p.geom, z.geom)
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
    )
    -- Of two tiers with the same share the more protected one decides, and base comes before community.
    select distinct on (h.parcel_id) h.parcel_id,
        case when h.share >= deciding_share then h.tier else 'fragmented' end,
        h.share >= deciding_share and h.locked_share >= deciding_share,
        case when h.share >= deciding_share then h.zone end,
        h.share
    from held h order by h.parcel_id, h.share desc, h.zone is null, h.tier
$$;
comment on function parcel_tier_of(date, double precision, bigint[]) is 'For every parcel that is law on the day, or for those named: the tier whose zones together hold the largest share of its land, if that is at least deciding_share, else fragmented; whether the locked zones of the tier hold at least as much; the zone of the tier that holds most; and the share.';

create or replace function parcel_tier(day date, deciding_share double precision)
returns table (parcel_id bigint, tier text, locked boolean, zone text, share double precision)
language sql stable parallel safe
as $$
    select * from parcel_tier_of(day, deciding_share, null)
$$;
