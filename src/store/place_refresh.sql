-- $1 revision, $2 day, $3 deciding share, $4 the parcels, or null for all. Answers how many stand elsewhere than before.
-- A parcel that no zone touches, and none did, has no row.
with placed as materialized (
    select p.*, t.parcel_id is null or (t.tier, t.locked, t.zone, t.share) is distinct from (p.tier, p.locked, p.zone, p.share)
        as moved
    from parcel_tier_at($2::date, $3, among => $4::bigint[]) p left join parcel_place t using (parcel_id)
    where p.share > 0 or t.parcel_id is not null
), written as (
    insert into parcel_place as t (parcel_id, tier, locked, zone, share, day, revision)
    select parcel_id, tier, locked, zone, share, $2, $1 from placed
    on conflict (parcel_id) do update
    set tier = excluded.tier, locked = excluded.locked, zone = excluded.zone, share = excluded.share,
        day = excluded.day, revision = excluded.revision
    where (t.tier, t.locked, t.zone, t.share, t.day)
        is distinct from (excluded.tier, excluded.locked, excluded.zone, excluded.share, excluded.day)
)
select count(*) as "parcels!" from placed where moved
