-- Planning units with what may be built in them, and the older division into 104, 195 and 198: layers of the plan beside
-- the zones, in two times like these. A day on which something was decided is kept apart from the day on which it begins.

alter table zone_version
    add column decided_on date,
    add constraint zone_version_decided check (decided_on is null or lower_inf(valid) or decided_on <= lower(valid));
comment on column zone_version.decided_on is 'Day of the decision; null where it is not known. Nothing is law before it was decided.';

create table plan_unit_version (
    id bigint generated always as identity primary key,
    code text not null,
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    name text not null,
    land_use_scheme text not null,
    uses text not null check (uses ~ '^[^;:]+(:[0-9.]*-[0-9.]*)?(;[^;:]+(:[0-9.]*-[0-9.]*)?)*$'),
    document text,
    decided_on date,
    geom geometry(MultiPolygon, 4490) not null,
    revision bigint not null references revision,
    constraint plan_unit_version_overlap exclude using gist (code with =, valid with &&, recorded with &&),
    constraint plan_unit_version_decided check (decided_on is null or lower_inf(valid) or decided_on <= lower(valid))
);
comment on table plan_unit_version is 'Planning units (规划单元) with the uses that the plan permits, in two times.';
comment on column plan_unit_version.id is 'Row number, of no meaning outside.';
comment on column plan_unit_version.code is 'Code of the unit, the same in all its versions.';
comment on column plan_unit_version.valid is 'Days on which this version is law.';
comment on column plan_unit_version.recorded is 'Times at which this was what the register believed.';
comment on column plan_unit_version.name is 'Name.';
comment on column plan_unit_version.land_use_scheme is 'The scheme of the codes in uses.';
comment on column plan_unit_version.uses is 'Permitted uses separated by semicolons, each a code and, where the plan bounds it, a colon and the least and the greatest plot ratio around a hyphen, either of which may be missing: M1:1-2;M4:-3;W1.';
comment on column plan_unit_version.document is 'The document that set it.';
comment on column plan_unit_version.decided_on is 'Day of the decision; null where it is not known. Nothing is law before it was decided.';
comment on column plan_unit_version.geom is 'Its land.';
comment on column plan_unit_version.revision is 'The revision that wrote this version.';
create index plan_unit_version_geom on plan_unit_version using gist (geom);

create table legacy_area_version (
    id bigint generated always as identity primary key,
    code text not null,
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    name text not null,
    class text not null check (class in ('104', '195', '198')),
    document text,
    decided_on date,
    geom geometry(MultiPolygon, 4490) not null,
    revision bigint not null references revision,
    constraint legacy_area_version_overlap exclude using gist (code with =, valid with &&, recorded with &&),
    constraint legacy_area_version_decided check (decided_on is null or lower_inf(valid) or decided_on <= lower(valid))
);
comment on table legacy_area_version is 'Areas of the older division of industrial land into 104, 195 and 198, in two times; a register may do without.';
comment on column legacy_area_version.id is 'Row number, of no meaning outside.';
comment on column legacy_area_version.code is 'Code of the area, the same in all its versions.';
comment on column legacy_area_version.valid is 'Days on which this version is law.';
comment on column legacy_area_version.recorded is 'Times at which this was what the register believed.';
comment on column legacy_area_version.name is 'Name.';
comment on column legacy_area_version.class is '104: industrial blocks of the plan; 195: to grow together with the city; 198: to be reduced.';
comment on column legacy_area_version.document is 'The document that set it.';
comment on column legacy_area_version.decided_on is 'Day of the decision; null where it is not known. Nothing is law before it was decided.';
comment on column legacy_area_version.geom is 'Its land.';
comment on column legacy_area_version.revision is 'The revision that wrote this version.';
create index legacy_area_version_geom on legacy_area_version using gist (geom);

alter table stage_zone add column decided_on date;
comment on column stage_zone.decided_on is 'Day of the decision, as the file has it.';

create unlogged table stage_plan_unit (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    name text not null,
    land_use_scheme text not null,
    uses text not null,
    document text,
    decided_on date,
    valid_from date not null,
    valid_to date,
    geom geometry(MultiPolygon, 4490) not null
);
comment on table stage_plan_unit is 'Rows of plan_unit_version on their way in; columns as in the register''s own table.';
comment on column stage_plan_unit.file is 'Which of the import''s files, from 0.';
comment on column stage_plan_unit.row is 'Which row of that file, from 1.';
comment on column stage_plan_unit.key is 'What a finding calls the row.';

create unlogged table stage_legacy_area (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    name text not null,
    class text not null,
    document text,
    decided_on date,
    valid_from date not null,
    valid_to date,
    geom geometry(MultiPolygon, 4490) not null
);
comment on table stage_legacy_area is 'Rows of legacy_area_version on their way in; columns as in the register''s own table.';
comment on column stage_legacy_area.file is 'Which of the import''s files, from 0.';
comment on column stage_legacy_area.row is 'Which row of that file, from 1.';
comment on column stage_legacy_area.key is 'What a finding calls the row.';

do $$
declare
    it record;
begin
    for it in
        select c.relname, a.attname, substr(c.relname, length('stage_') + 1) as register
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema::regnamespace and c.relkind = 'r'
          and c.relname in ('stage_plan_unit', 'stage_legacy_area')
          and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null
    loop
        execute format('comment on column %I.%I is %L', it.relname, it.attname,
            format('%s of %s, as the file has it.', it.attname, it.register));
    end loop;
end
$$;
