-- What a shape shares with the plan: $1 the shape as text, $2 its area in m2 where it is known, $3 day, $4 known at. One row
-- for each area of the plan that it meets, or one without; the sums over zones stand in every row. The same overlay as that
-- of parcel_tier_at, for one shape and all layers.
with shape as materialized (
    select geom, st_dimension(geom) = 0 as is_point, coalesce($2::float8, st_area(geom::geography)) as area_m2
    from (select $1::text::geometry as geom) given
), met as materialized (
    select 'zone' as layer, z.code, z.name, z.tier, z.locked, null as class, null as land_use_scheme, null as uses,
        z.document, z.decided_on, z.valid, z.geom
    from shape s join zone_version z on z.recorded @> coalesce($4::timestamptz, 'infinity') and z.valid @> $3::date
        and st_intersects(s.geom, z.geom)
    union all
    select 'plan-unit', u.code, u.name, null, false, null, u.land_use_scheme, u.uses, u.document, u.decided_on, u.valid, u.geom
    from shape s join plan_unit_version u on u.recorded @> coalesce($4::timestamptz, 'infinity') and u.valid @> $3::date
        and st_intersects(s.geom, u.geom)
    union all
    select 'legacy', l.code, l.name, null, false, l.class, null, null, l.document, l.decided_on, l.valid, l.geom
    from shape s join legacy_area_version l on l.recorded @> coalesce($4::timestamptz, 'infinity') and l.valid @> $3::date
        and st_intersects(s.geom, l.geom)
), piece as materialized (
    -- What lies wholly inside, the common case, costs no overlay: its piece is null.
    select m.*, case when not st_coveredby(s.geom, m.geom)
        then st_collectionextract(st_intersection(s.geom, m.geom), 3) end as part
    from shape s cross join met m
), measured as materialized (
    select p.*, case when p.part is null then s.area_m2 else st_area(p.part::geography) end as part_m2,
        case when p.part is null then 1.0 else least(1.0, st_area(p.part::geography) / s.area_m2) end as share
    from shape s cross join piece p
), held as (
    select
        case when bool_or(p.tier = 'base' and p.part is null) then s.area_m2
            else coalesce(st_area((st_union(p.part order by p.code) filter (where p.tier = 'base'))::geography), 0.0)
        end as base_m2,
        case when bool_or(p.tier = 'community' and p.part is null) then s.area_m2
            else coalesce(st_area((st_union(p.part order by p.code) filter (where p.tier = 'community'))::geography), 0.0)
        end as community_m2,
        case when bool_or(p.layer = 'zone' and p.part is null) then s.area_m2
            else coalesce(st_area((st_union(p.part order by p.code))::geography), 0.0)
        end as zoned_m2,
        case when bool_or(p.locked and p.part is null) then s.area_m2
            else coalesce(st_area((st_union(p.part order by p.code) filter (where p.locked))::geography), 0.0)
        end as locked_m2,
        bool_or(p.tier = 'base' and p.part is null) as whole_base,
        bool_or(p.tier = 'community' and p.part is null) as whole_community,
        bool_or(p.layer = 'zone' and p.part is null) as whole_zoned,
        bool_or(p.locked and p.part is null) as whole_locked
    from shape s left join piece p on p.layer = 'zone'
    group by s.area_m2
)
select s.area_m2 as "area_m2!", h.base_m2 as "base_m2!", h.community_m2 as "community_m2!",
    h.zoned_m2 as "zoned_m2!", h.locked_m2 as "locked_m2!", coalesce(h.whole_base, false) as "whole_base!",
    coalesce(h.whole_community, false) as "whole_community!",
    coalesce(h.whole_zoned, false) as "whole_zoned!", coalesce(h.whole_locked, false) as "whole_locked!",
    exists (select from zone_version z
        where z.recorded @> coalesce($4::timestamptz, 'infinity') and z.valid @> $3::date) as "plan_is_known!",
    m.layer as "layer?", m.code as "code?", m.name as "name?", m.tier as "tier?", m.locked as "locked?", m.class as "class?",
    m.land_use_scheme as "land_use_scheme?", m.uses as "uses?", m.document as "document?", m.decided_on as "decided_on?",
    lower(m.valid) as "valid_from?", upper(m.valid) as "valid_to?", m.part_m2 as "part_m2?", m.share as "share?"
from shape s cross join held h
-- A border that is shared, or drawn twice a hair apart, is no part.
left join measured m on s.is_point or m.part_m2 > 1e-4
order by m.share desc, m.layer desc, m.code collate "C"
