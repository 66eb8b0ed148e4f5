-- The tiers of all parcels as one thing of many rows. parcel_tier_at is written into the query that calls it, where the
-- planner takes its result for two hundred rows; joined to the parcels of a city it then compared each with each: 27
-- seconds for the land account of 48,501 parcels. A body of its own is planned by itself, and says how much it gives.
create function city_tiers(day date, deciding_share double precision, known_at timestamptz)
returns table (parcel_id bigint, tier text, locked boolean, zone text, share double precision)
language plpgsql stable parallel safe rows 100000 as $$
begin
    return query select t.parcel_id, t.tier, t.locked, t.zone, t.share
        from parcel_tier_at(day, deciding_share, known_at, null, null) t;
end
$$;
comment on function city_tiers(date, double precision, timestamptz) is
    'parcel_tier_at for every parcel that is law on the day: for questions about the whole city, joined to its parcels';
