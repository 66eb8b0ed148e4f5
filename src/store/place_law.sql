-- Keeps by which law places were worked out: $1 revision, $2 day, $3 deciding share, $4 whether all days are to be asked
-- for the next turn of the law, or only those of what was written since the last time.
with known as (
    select l.revision, l.same_law from tier_law l where not $4::bool
), version as (
    select v.valid from parcel_version v
    where upper_inf(v.recorded) and v.revision > coalesce((select revision from known), -1)
    union all
    select z.valid from zone_version z
    where upper_inf(z.recorded) and z.revision > coalesce((select revision from known), -1)
), turn as (
    select lower(valid) as day from version where not lower_inf(valid)
    union all select upper(valid) from version where not upper_inf(valid)
    union all select lower(same_law) from known where not lower_inf(same_law)
    union all select upper(same_law) from known where not upper_inf(same_law)
)
insert into tier_law (revision, day, deciding_share, same_law)
select $1, $2, $3, daterange(max(day) filter (where day <= $2::date), min(day) filter (where day > $2::date)) from turn
on conflict (only_row) do update
set revision = excluded.revision, day = excluded.day, deciding_share = excluded.deciding_share, same_law = excluded.same_law
