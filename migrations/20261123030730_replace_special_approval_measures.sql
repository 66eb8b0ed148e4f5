-- Compensating land (补划土地) is industrial land that comes into the lock for what leaves it: held by parcels of industrial
-- use on the day of the document, in no locked zone from that day on as the plan is believed when it is proposed, not taken
-- itself, and given for no other approval. That it is locked when land is taken is judged then.
create function special_approval_counted(land geometry, compensation geometry, day date) returns geometry
language sql stable
as $$
    select nullif(st_multi(st_collectionextract(st_difference(i.geom, (
        select st_union(n.geom) from (
            select land as geom
            union all
            select z.geom from zone_version z
            where upper_inf(z.recorded) and z.locked and z.valid && daterange(day, null) and z.geom && compensation
            union all
            select a.compensation from special_approval a
            where a.withdrawn_in is null and a.compensation && $2) n)), 3)), 'SRID=4490;MULTIPOLYGON EMPTY'::geometry)
    from (
        select st_collectionextract(st_intersection(compensation, st_union(v.geom)), 3) as geom
        from parcel_version v
        where upper_inf(v.recorded) and v.valid @> day and v.geom && compensation
            and land_use_class_of(v.land_use_scheme, v.land_use) = 'industrial') i
$$;
comment on function special_approval_counted(geometry, geometry, date) is 'What of the compensating land of an approval counts; null where nothing does.';

create or replace function special_approval_measures(land geometry, compensation geometry, day date)
returns table (area_m2 double precision, compensation_m2 double precision, required_m2 double precision)
language sql stable
as $$
    select t.m2, coalesce(st_area(special_approval_counted(land, compensation, day)::geography), 0),
        t.m2 * coalesce(lockup_value('lockup-compensation-share', day), 0)
    from (select coalesce(st_area(lockup_locked(land, day)::geography), 0) as m2) t
$$;
comment on function special_approval_measures(geometry, geometry, date) is 'The locked land within the land of an approval, the compensating land that counts, and what of it the rulebook asks for, m2.';

create or replace function special_approval_measured() returns trigger language plpgsql security definer as $$
begin
    -- Of two proposals at once the second sees the compensating land of the first.
    perform from revision_head for update;
    if new.deed = 'continuation' then
        new.area_m2 := st_area(new.geom::geography);
        new.compensation := null;
        new.compensation_m2 := 0;
        new.required_m2 := 0;
        return new;
    end if;
    select m.area_m2, m.compensation_m2, m.required_m2 into new.area_m2, new.compensation_m2, new.required_m2
    from special_approval_measures(new.geom, new.compensation, new.decided_on) m;
    new.compensation := special_approval_counted(new.geom, new.compensation, new.decided_on);
    return new;
end
$$;
comment on column special_approval.compensation is 'The compensating land (补划土地), as far as it counts.';
comment on column special_approval.compensation_m2 is 'Its area: industrial land that was not locked before, is not taken itself and makes up for no other approval, geodesic, m2.';

do $$
begin
    execute format('alter function special_approval_measured() set search_path = %I, public, pg_temp', current_schema);
end
$$;
