-- Parcels with versions in two times, where they stand, and the buildings on them.

create table parcel (
    id bigint generated always as identity primary key,
    code text not null unique
);
comment on table parcel is 'Every parcel that ever was. A code is never reused and a row never deleted.';
comment on column parcel.id is 'Row number, of no meaning outside.';
comment on column parcel.code is 'Parcel code of 19 characters, or unit code of 28.';

create table parcel_version (
    id bigint generated always as identity primary key,
    parcel_id bigint not null references parcel,
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    district text not null,
    park text,
    land_use text not null,
    land_use_scheme text not null,
    registered_area_m2 numeric(16, 4) check (registered_area_m2 > 0),
    area_m2 double precision not null check (area_m2 > 0),
    plot_ratio_allowed double precision check (plot_ratio_allowed > 0),
    address text,
    geom geometry(MultiPolygon, 4490) not null,
    revision bigint not null references revision,
    constraint parcel_version_overlap exclude using gist (parcel_id with =, valid with &&, recorded with &&)
);
comment on table parcel_version is 'What a parcel is, in two times: valid in law and recorded by the register.';
comment on column parcel_version.id is 'Row number, of no meaning outside.';
comment on column parcel_version.parcel_id is 'The parcel.';
comment on column parcel_version.valid is 'Days on which this version is law.';
comment on column parcel_version.recorded is 'Times at which this was what the register believed.';
comment on column parcel_version.district is 'Six digits of its district.';
comment on column parcel_version.park is 'Code of its park; null outside parks.';
comment on column parcel_version.land_use is 'Code of its use, to be read with the scheme.';
comment on column parcel_version.land_use_scheme is 'Scheme of the use code, e.g. GB50137-SH.';
comment on column parcel_version.registered_area_m2 is 'Area on the certificate (证载面积), m2.';
comment on column parcel_version.area_m2 is 'Geodesic area of the shape on the CGCS2000 ellipsoid, m2.';
comment on column parcel_version.plot_ratio_allowed is 'Highest plot ratio of its plan condition.';
comment on column parcel_version.address is 'Where it lies, in words.';
comment on column parcel_version.geom is 'Its land.';
comment on column parcel_version.revision is 'The revision that wrote this version.';
create index parcel_version_geom on parcel_version using gist (geom);

create table parcel_place (
    parcel_id bigint primary key references parcel,
    tier text not null check (tier in ('base', 'community', 'fragmented')),
    locked boolean not null,
    zone text,
    share double precision not null check (share >= 0 and share <= 1),
    day date not null,
    revision bigint not null references revision
);
comment on table parcel_place is 'Where each parcel stands in the three tiers on one day: what parcel_tier answers, kept for those who ask for today. Worked out again whenever parcel_version or zone_version changes, and on each day on which a version becomes or ceases to be law.';
comment on column parcel_place.parcel_id is 'The parcel.';
comment on column parcel_place.tier is 'The tier whose zones together hold the deciding share of its land.';
comment on column parcel_place.locked is 'Whether zones locked for advanced manufacturing hold the deciding share of its land.';
comment on column parcel_place.zone is 'Code of the zone of the tier that holds most of its land; null on fragmented land.';
comment on column parcel_place.share is 'Share of its land inside the zones of the tier, 0 to 1; on fragmented land the largest share of any tier.';
comment on column parcel_place.day is 'The day for which this was worked out.';
comment on column parcel_place.revision is 'The revision that worked it out.';

create table building (
    id bigint generated always as identity primary key,
    code text not null,
    parcel text not null,
    recorded tstzrange not null check (not isempty(recorded)),
    storeys integer not null check (storeys >= 0),
    storey_height_m double precision,
    footprint_m2 double precision check (footprint_m2 >= 0),
    floor_area_m2 double precision not null check (floor_area_m2 >= 0),
    used_floor_area_m2 double precision check (used_floor_area_m2 >= 0 and used_floor_area_m2 <= floor_area_m2),
    built_year integer,
    geom geometry(MultiPolygon, 4490),
    revision bigint not null references revision
);
comment on table building is 'Buildings; a corrected row is closed in recorded time and followed by a new one.';
comment on column building.id is 'Row number, of no meaning outside.';
comment on column building.code is 'Code of the building.';
comment on column building.parcel is 'Code of the parcel on which it stands.';
comment on column building.recorded is 'Times at which this was what the register believed.';
comment on column building.storeys is 'Storeys above ground.';
comment on column building.storey_height_m is 'Height of a storey, m.';
comment on column building.footprint_m2 is 'Land it covers, m2.';
comment on column building.floor_area_m2 is 'Floor area over all storeys, m2.';
comment on column building.used_floor_area_m2 is 'Part of the floor area in use, m2; null where unknown.';
comment on column building.built_year is 'Year of completion.';
comment on column building.geom is 'Its outline.';
comment on column building.revision is 'The revision that wrote this row.';
create unique index building_current on building (code) where upper_inf(recorded);
create index building_parcel on building (parcel) where upper_inf(recorded);
