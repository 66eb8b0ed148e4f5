-- Where the rows of a file wait inside the import's transaction, to be checked as a set before they are merged.
-- Unlogged: a crash empties them, and that loses nothing, because an import is one transaction.

create unlogged table stage_district (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    name text not null,
    name_en text,
    geom geometry(MultiPolygon, 4490) not null
);
comment on table stage_district is 'Rows of district on their way in; columns as in the register''s own table.';
comment on column stage_district.file is 'Which of the import''s files, from 0.';
comment on column stage_district.row is 'Which row of that file, from 1.';
comment on column stage_district.key is 'What a finding calls the row.';

create unlogged table stage_park (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    name text not null,
    name_en text,
    district text not null,
    geom geometry(MultiPolygon, 4490) not null
);
comment on table stage_park is 'Rows of park on their way in; columns as in the register''s own table.';
comment on column stage_park.file is 'Which of the import''s files, from 0.';
comment on column stage_park.row is 'Which row of that file, from 1.';
comment on column stage_park.key is 'What a finding calls the row.';

create unlogged table stage_zone (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    name text not null,
    tier text not null,
    locked boolean not null,
    document text,
    valid_from date not null,
    valid_to date,
    geom geometry(MultiPolygon, 4490) not null
);
comment on table stage_zone is 'Rows of zone on their way in; columns as in the register''s own table.';
comment on column stage_zone.file is 'Which of the import''s files, from 0.';
comment on column stage_zone.row is 'Which row of that file, from 1.';
comment on column stage_zone.key is 'What a finding calls the row.';

create unlogged table stage_parcel (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    district text not null,
    park text,
    land_use text not null,
    land_use_scheme text not null,
    registered_area_m2 numeric(16, 4),
    area_m2 double precision not null,
    plot_ratio_allowed double precision,
    address text,
    valid_from date,
    geom geometry(MultiPolygon, 4490) not null
);
comment on table stage_parcel is 'Rows of parcel on their way in; columns as in the register''s own table.';
comment on column stage_parcel.file is 'Which of the import''s files, from 0.';
comment on column stage_parcel.row is 'Which row of that file, from 1.';
comment on column stage_parcel.key is 'What a finding calls the row.';

create unlogged table stage_building (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    parcel text not null,
    storeys integer not null,
    storey_height_m double precision,
    footprint_m2 double precision,
    floor_area_m2 double precision not null,
    used_floor_area_m2 double precision,
    built_year integer,
    geom geometry(MultiPolygon, 4490)
);
comment on table stage_building is 'Rows of building on their way in; columns as in the register''s own table.';
comment on column stage_building.file is 'Which of the import''s files, from 0.';
comment on column stage_building.row is 'Which row of that file, from 1.';
comment on column stage_building.key is 'What a finding calls the row.';

create unlogged table stage_enterprise (
    file smallint not null,
    row bigint not null,
    key text not null,
    code text not null,
    name text not null,
    industry text,
    founded_on date,
    above_scale boolean
);
comment on table stage_enterprise is 'Rows of enterprise on their way in; columns as in the register''s own table.';
comment on column stage_enterprise.file is 'Which of the import''s files, from 0.';
comment on column stage_enterprise.row is 'Which row of that file, from 1.';
comment on column stage_enterprise.key is 'What a finding calls the row.';

create unlogged table stage_occupancy (
    file smallint not null,
    row bigint not null,
    key text not null,
    parcel text not null,
    enterprise text not null,
    role text not null,
    from_on date not null,
    to_on date,
    floor_area_m2 double precision not null,
    tax_is_local boolean not null
);
comment on table stage_occupancy is 'Rows of occupancy on their way in; columns as in the register''s own table.';
comment on column stage_occupancy.file is 'Which of the import''s files, from 0.';
comment on column stage_occupancy.row is 'Which row of that file, from 1.';
comment on column stage_occupancy.key is 'What a finding calls the row.';

create unlogged table stage_contract (
    file smallint not null,
    row bigint not null,
    key text not null,
    number text not null,
    parcel text not null,
    kind text not null,
    holder text,
    signed_on date not null,
    term_starts_on date not null,
    term_ends_on date,
    price_wan_yuan numeric(18, 6),
    plot_ratio_low double precision,
    plot_ratio_high double precision,
    performance_terms boolean not null,
    responsible_unit text,
    developed_percent double precision,
    invested_percent double precision,
    suspended_on date
);
comment on table stage_contract is 'Rows of contract on their way in; columns as in the register''s own table.';
comment on column stage_contract.file is 'Which of the import''s files, from 0.';
comment on column stage_contract.row is 'Which row of that file, from 1.';
comment on column stage_contract.key is 'What a finding calls the row.';

create unlogged table stage_obligation (
    file smallint not null,
    row bigint not null,
    key text not null,
    number text not null,
    contract text not null,
    kind text not null,
    due_on date,
    target numeric(18, 6),
    unit text,
    at_most boolean not null,
    met_on date,
    achieved numeric(18, 6),
    excuse text
);
comment on table stage_obligation is 'Rows of obligation on their way in; columns as in the register''s own table.';
comment on column stage_obligation.file is 'Which of the import''s files, from 0.';
comment on column stage_obligation.row is 'Which row of that file, from 1.';
comment on column stage_obligation.key is 'What a finding calls the row.';

create unlogged table stage_annual_return (
    file smallint not null,
    row bigint not null,
    key text not null,
    enterprise text not null,
    year integer not null,
    output_wan_yuan double precision,
    revenue_wan_yuan double precision,
    tax_wan_yuan double precision,
    value_added_wan_yuan double precision,
    fixed_assets_wan_yuan double precision,
    energy_tce double precision,
    emissions_t double precision,
    rd_wan_yuan double precision,
    staff double precision,
    staff_local double precision,
    veto text,
    veto_cleared_on date
);
comment on table stage_annual_return is 'Rows of annual_return on their way in; columns as in the register''s own table.';
comment on column stage_annual_return.file is 'Which of the import''s files, from 0.';
comment on column stage_annual_return.row is 'Which row of that file, from 1.';
comment on column stage_annual_return.key is 'What a finding calls the row.';

-- Every other column is as the file has it, on its way into the column of that name in the register's own table.
do $$
declare
    it record;
begin
    for it in
        select c.relname, a.attname, substr(c.relname, length('stage_') + 1) as register
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema::regnamespace and c.relkind = 'r' and c.relname like 'stage\_%'
          and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null
    loop
        execute format('comment on column %I.%I is %L', it.relname, it.attname,
            format('%s of %s, as the file has it.', it.attname, it.register));
    end loop;
end
$$;
