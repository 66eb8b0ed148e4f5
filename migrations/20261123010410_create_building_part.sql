-- Where buildings stand: one that straddles parcels is shared by its footprint, and no floor area counts twice.

alter table building
    alter column parcel drop not null,
    add column vacant_floor_area_m2 double precision check (vacant_floor_area_m2 >= 0),
    add constraint building_use_within_floor_area
        check (coalesce(used_floor_area_m2, 0) + coalesce(vacant_floor_area_m2, 0) <= floor_area_m2 * (1 + 1e-9));
comment on column building.parcel is 'Code of the parcel that the data set names; null where it names none. Where the building stands is in building_part.';
comment on column building.vacant_floor_area_m2 is 'Part of the floor area that stands empty, m2; null where unknown. What is neither in use nor empty is unexplained.';
create index building_geom on building using gist (geom) where upper_inf(recorded);

alter table stage_building alter column parcel drop not null, add column vacant_floor_area_m2 double precision;
comment on column stage_building.vacant_floor_area_m2 is 'vacant_floor_area_m2 of building, as the file has it.';

create table building_part (
    id bigint generated always as identity primary key,
    building_id bigint not null references building,
    parcel_id bigint not null references parcel,
    recorded tstzrange not null check (not isempty(recorded)),
    share double precision not null check (share > 0 and share <= 1),
    footprint_m2 double precision check (footprint_m2 > 0)
);
comment on table building_part is 'The parcels on which each row of building stands and its share on each, which sum to 1 at any time. Worked out from the outlines whenever buildings or parcels change; a building without outline stands on the parcel that its data set names.';
comment on column building_part.id is 'Row number, of no meaning outside.';
comment on column building_part.building_id is 'The row of building.';
comment on column building_part.parcel_id is 'The parcel.';
comment on column building_part.recorded is 'Times at which this was what the register believed.';
comment on column building_part.share is 'Share of the building''s floor area, by footprint, 0 to 1.';
comment on column building_part.footprint_m2 is 'Geodesic area of its outline on the parcel, m2; null without outline.';
create unique index building_part_current on building_part (building_id, parcel_id) where upper_inf(recorded);
create index building_part_parcel on building_part (parcel_id);

create function building_stand(buildings bigint[], day date, least_share double precision)
returns table (building_id bigint, parcel_id bigint, share double precision, footprint_m2 double precision)
language sql stable parallel safe
as $$
    with standing as (
        select b.id, b.parcel, b.geom from building b where b.id = any(buildings)
    ), piece as (
        -- A building wholly on a parcel, the common case, costs no overlay.
        select b.id as building_id, v.parcel_id,
            st_area(case when st_coveredby(b.geom, v.geom) then b.geom
                else st_collectionextract(st_intersection(b.geom, v.geom), 3) end::geography) as m2
        from standing b
        join parcel_version v on upper_inf(v.recorded) and v.valid @> day and st_intersects(b.geom, v.geom)
    ), weighed as (
        select p.*, p.m2 / sum(p.m2) over (partition by p.building_id) as share,
            row_number() over (partition by p.building_id order by p.m2 desc, p.parcel_id) as place
        from piece p where p.m2 > 0
    ), stood as (
        -- The largest part stays, however many parcels the building lies on.
        select w.building_id, w.parcel_id, w.m2, w.m2 / sum(w.m2) over (partition by w.building_id) as share
        from weighed w where w.share >= least_share or w.place = 1
    )
    select s.building_id, s.parcel_id, s.share, s.m2 from stood s
    union all
    select b.id, p.id, 1, null from standing b join parcel p on p.code = b.parcel
    where not exists (select from stood s where s.building_id = b.id)
$$;
comment on function building_stand(bigint[], date, double precision) is 'Where these rows of building stand on the land that is law on the day: by geodesic footprint, leaving out parcels that hold less than least_share of it; without outline, or with one that lies on no parcel, on the parcel that the data set names.';

-- What was imported before stands where its outline lies; what it was believed to be before is not known by parts.
insert into building_part (building_id, parcel_id, recorded, share, footprint_m2)
select s.building_id, s.parcel_id, b.recorded, s.share, s.footprint_m2
from building_stand(array(select id from building where upper_inf(recorded)), current_date, 0.01) s
join building b on b.id = s.building_id
where s.share > 0;
insert into building_part (building_id, parcel_id, recorded, share)
select b.id, p.id, b.recorded, 1 from building b join parcel p on p.code = b.parcel where not upper_inf(b.recorded);

create function parcel_floor(tall_storey_m double precision, known_at timestamptz)
returns table (parcel_id bigint, buildings bigint, footprint_m2 double precision, floor_m2 double precision,
    used_m2 double precision, vacant_m2 double precision, use_is_known boolean)
language sql stable parallel safe
as $$
    -- Summed as numeric, so that the sum does not depend on the order of the rows.
    select s.parcel_id, count(*), sum(s.footprint * s.share)::float8, sum(s.floor * s.weight)::float8,
        sum(s.used * s.weight)::float8, sum(s.vacant * s.weight)::float8, bool_and(s.use_is_known)
    from (
        select t.parcel_id, t.share::numeric as share,
            t.share::numeric * case when b.storey_height_m > tall_storey_m then 2 else 1 end as weight,
            b.footprint_m2::numeric as footprint, b.floor_area_m2::numeric as floor,
            coalesce(b.used_floor_area_m2, 0)::numeric as used,
            -- Where only the use is told, the rest stands empty.
            coalesce(b.vacant_floor_area_m2::numeric, b.floor_area_m2::numeric - b.used_floor_area_m2::numeric, 0) as vacant,
            b.used_floor_area_m2 is not null as use_is_known
        from building_part t join building b on b.id = t.building_id
        where t.recorded @> coalesce(known_at, 'infinity') and b.recorded @> coalesce(known_at, 'infinity')
    ) s
    group by s.parcel_id
$$;
comment on function parcel_floor(double precision, timestamptz) is 'For every parcel with buildings, as believed at a time (null: now): how many stand on it or partly on it, their footprint and floor area by share, how much of that is in use and how much stands empty, and whether the use of every building is known. A storey higher than tall_storey_m counts twice; null counts none twice.';
