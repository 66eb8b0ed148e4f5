-- Districts, parks and the zones of the double lockup. Geometry is EPSG:4490 (CGCS2000), longitude first.

create table district (
    code text primary key check (code ~ '^[0-9]{6}$'),
    name text not null,
    name_en text,
    geom geometry(MultiPolygon, 4490) not null,
    revision bigint not null references revision
);
comment on table district is 'Districts (区) as they are now.';
comment on column district.code is 'County-level code of six digits.';
comment on column district.name is 'Chinese name.';
comment on column district.name_en is 'English name.';
comment on column district.geom is 'Its land.';
comment on column district.revision is 'The revision that wrote it.';
create index district_geom on district using gist (geom);

create table park (
    code text primary key,
    name text not null,
    name_en text,
    district text not null,
    geom geometry(MultiPolygon, 4490) not null,
    revision bigint not null references revision
);
comment on table park is 'Industrial parks (园区) as they are now.';
comment on column park.code is 'Code of the park.';
comment on column park.name is 'Chinese name.';
comment on column park.name_en is 'English name.';
comment on column park.district is 'The district that answers for it.';
comment on column park.geom is 'Its land.';
comment on column park.revision is 'The revision that wrote it.';
create index park_geom on park using gist (geom);

create table zone_version (
    id bigint generated always as identity primary key,
    code text not null,
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    name text not null,
    tier text not null check (tier in ('base', 'community')),
    locked boolean not null check (not locked or tier = 'base'),
    document text,
    geom geometry(MultiPolygon, 4490) not null,
    revision bigint not null references revision,
    constraint zone_version_overlap exclude using gist (code with =, valid with &&, recorded with &&)
);
comment on table zone_version is 'Industrial bases and communities (产业基地, 产业社区) in two times. Land in neither is fragmented.';
comment on column zone_version.id is 'Row number, of no meaning outside.';
comment on column zone_version.code is 'Code of the zone, the same in all its versions.';
comment on column zone_version.valid is 'Days on which this version is law.';
comment on column zone_version.recorded is 'Times at which this was what the register believed.';
comment on column zone_version.name is 'Name.';
comment on column zone_version.tier is 'base or community.';
comment on column zone_version.locked is 'Lock 1: reserved by the plan for advanced manufacturing.';
comment on column zone_version.document is 'The document that set it.';
comment on column zone_version.geom is 'Its land.';
comment on column zone_version.revision is 'The revision that wrote this version.';
create index zone_version_geom on zone_version using gist (geom);
