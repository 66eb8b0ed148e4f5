-- Layers that other people keep, such as red lines, metro buffers and flood plains, held beside the register: each with the
-- properties that its file has. They carry no days of law of their own, so they are kept in recorded time alone.

create table reference_layer (
    name text collate "C" primary key check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    title text not null,
    source text not null,
    keyed_by text not null check (keyed_by in ('fid', 'field', 'content')),
    key_field text check ((key_field is not null) = (keyed_by = 'field')),
    properties jsonb not null check (jsonb_typeof(properties) = 'array'),
    geometry text not null check (geometry in ('point', 'line', 'polygon', 'mixed', 'none')),
    west double precision,
    south double precision,
    east double precision,
    north double precision,
    features bigint not null check (features >= 0),
    dropped boolean not null default false,
    revision bigint not null references revision,
    constraint reference_layer_extent check (num_nulls(west, south, east, north) in (0, 4))
);
comment on table reference_layer is 'Reference layers as they are now: what each is called, holds and looks like.';
comment on column reference_layer.name is 'The name under which it was imported, which no built-in collection has.';
comment on column reference_layer.title is 'What its file calls it.';
comment on column reference_layer.source is 'The names of the files that it came from last.';
comment on column reference_layer.keyed_by is 'What tells a feature from the others: fid, the number that its file gives it; field, a property; content, all that it says.';
comment on column reference_layer.key_field is 'The property by which features are told apart, where it is one.';
comment on column reference_layer.properties is 'Its properties in the order of the file: a list of {"name", "kind"}, kind being text, integer, number, boolean, date, timestamp or instant.';
comment on column reference_layer.geometry is 'What its shapes are: point, line, polygon, mixed, or none.';
comment on column reference_layer.west is 'Least longitude, degrees of EPSG:4490; null without shapes.';
comment on column reference_layer.south is 'Least latitude, degrees.';
comment on column reference_layer.east is 'Greatest longitude, degrees.';
comment on column reference_layer.north is 'Greatest latitude, degrees.';
comment on column reference_layer.features is 'How many features it has.';
comment on column reference_layer.dropped is 'Whether it was dropped: its features are kept for earlier times only.';
comment on column reference_layer.revision is 'The revision that last changed it or a feature of it.';

create table reference_feature (
    id bigint generated always as identity primary key,
    layer text collate "C" not null references reference_layer,
    key text collate "C" not null,
    recorded tstzrange not null check (not isempty(recorded)),
    properties jsonb not null check (jsonb_typeof(properties) = 'object'),
    geom geometry(Geometry, 4490),
    revision bigint not null references revision
);
comment on table reference_feature is 'Features of the reference layers, in recorded time.';
comment on column reference_feature.id is 'Row number, of no meaning outside.';
comment on column reference_feature.layer is 'Name of its layer.';
comment on column reference_feature.key is 'What tells it from the others of its layer, the same in all its versions.';
comment on column reference_feature.recorded is 'Times at which this was what the register believed.';
comment on column reference_feature.properties is 'Its properties by name; one without a value is left out.';
comment on column reference_feature.geom is 'Its shape; null where it has none.';
comment on column reference_feature.revision is 'The revision that wrote this version.';
create unique index reference_feature_current on reference_feature (layer, key) where upper_inf(recorded);
create index reference_feature_geom on reference_feature using gist (layer, geom) where upper_inf(recorded);
create index reference_feature_closed on reference_feature (upper(recorded)) where not upper_inf(recorded);

create unlogged table stage_reference_feature (
    file smallint not null,
    row bigint not null,
    key text collate "C" not null,
    properties jsonb not null,
    geom geometry(Geometry, 4490)
);
comment on table stage_reference_feature is 'Rows of reference_feature on their way in; columns as in the register''s own table.';
comment on column stage_reference_feature.file is 'Which of the import''s files, from 0.';
comment on column stage_reference_feature.row is 'Which row of that file, from 1.';
comment on column stage_reference_feature.key is 'What a finding calls the row, and what tells it from the others.';
comment on column stage_reference_feature.properties is 'Its properties by name.';
comment on column stage_reference_feature.geom is 'Its shape, where it has one.';
