-- $1 revision, $2 day, $3 deciding share. Answers how many parcels stand elsewhere than before.
with placed as materialized (
    select * from parcel_tier($2::date, $3)
), moved as (
    select count(*) as parcels from placed p left join parcel_place t using (parcel_id)
    where t.parcel_id is null or (t.tier, t.locked, t.zone, t.share) is distinct from (p.tier, p.locked, p.zone, p.share)
), written as (
    insert into parcel_place as t (parcel_id, tier, locked, zone, share, day, revision)
    select parcel_id, tier, locked, zone, share, $2, $1 from placed
    on conflict (parcel_id) do update
    set tier = excluded.tier, locked = excluded.locked, zone = excluded.zone, share = excluded.share,
        day = excluded.day, revision = excluded.revision
    where (t.tier, t.locked, t.zone, t.share, t.day)
        is distinct from (excluded.tier, excluded.locked, excluded.zone, excluded.share, excluded.day)
)
select parcels as "parcels!" from moved
