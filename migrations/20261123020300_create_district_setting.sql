-- What districts set for themselves, by document: seed 004 leaves the raise of plot ratios on existing plots to simplified
-- procedures "on a district-by-district basis".

create table district_setting (
    id bigint generated always as identity primary key,
    district text not null,
    key text not null check (key in ('plot-ratio-simplified-procedure')),
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    is_open boolean not null,
    document text not null check (document <> ''),
    revision bigint not null references revision,
    constraint district_setting_overlap exclude using gist (district with =, key with =, valid with &&, recorded with &&)
);
comment on table district_setting is 'Settings of districts in two times, each by a document. Of a district without a row nothing is known.';
comment on column district_setting.id is 'Row number, of no meaning outside.';
comment on column district_setting.district is 'Six digits of the district.';
comment on column district_setting.key is 'plot-ratio-simplified-procedure: whether the plot ratio of existing plots rises through a simplified procedure.';
comment on column district_setting.valid is 'Days on which this is the setting.';
comment on column district_setting.recorded is 'Times at which this was what the register believed.';
comment on column district_setting.is_open is 'Whether the district has it.';
comment on column district_setting.document is 'The document that says so.';
comment on column district_setting.revision is 'The revision that wrote this version.';
