-- The supply ledger: land secured for industry in a year. No parcel counts twice in a year; the database itself says so.

create table supply_entry (
    id bigint generated always as identity primary key,
    number text not null check (number <> ''),
    parcel text not null,
    year integer not null,
    source text not null check (source in ('quality_improvement', 'revitalised_stock', 'renewal', 'transfer')),
    area_m2 numeric(16, 4) not null check (area_m2 > 0),
    secured_on date not null,
    document text not null check (document <> ''),
    recorded tstzrange not null check (not isempty(recorded)),
    revision bigint not null references revision,
    check (extract(year from secured_on) = year),
    constraint supply_entry_number exclude using gist (number with =, recorded with &&),
    constraint supply_entry_once_a_year exclude using gist (parcel with =, year with =, recorded with &&)
);
comment on table supply_entry is 'Land secured for industry in a year (用地保障台账), each entry about one parcel and by one document; a corrected or withdrawn row is closed in recorded time.';
comment on column supply_entry.id is 'Row number, of no meaning outside.';
comment on column supply_entry.number is 'Number of the entry, under which it is corrected.';
comment on column supply_entry.parcel is 'Code of the parcel.';
comment on column supply_entry.year is 'The year it counts in.';
comment on column supply_entry.source is 'quality_improvement 提质增效, revitalised_stock 盘活存量, renewal 城市更新, transfer 土地出让.';
comment on column supply_entry.area_m2 is 'Land secured, m2.';
comment on column supply_entry.secured_on is 'The day it was secured, in that year.';
comment on column supply_entry.document is 'The document that says so.';
comment on column supply_entry.recorded is 'Times at which this was what the register believed.';
comment on column supply_entry.revision is 'The revision that wrote this row.';
create index supply_entry_parcel on supply_entry (parcel);

create unlogged table stage_supply (
    file smallint not null,
    row bigint not null,
    key text not null,
    number text not null,
    parcel text not null,
    year integer not null,
    source text not null,
    area_m2 numeric(16, 4) not null,
    secured_on date not null,
    document text not null
);
comment on table stage_supply is 'Rows of supply_entry on their way in; columns as in the register''s own table.';
comment on column stage_supply.file is 'Which of the import''s files, from 0.';
comment on column stage_supply.row is 'Which row of that file, from 1.';
comment on column stage_supply.key is 'What a finding calls the row.';
comment on column stage_supply.number is 'As in supply_entry.';
comment on column stage_supply.parcel is 'As in supply_entry.';
comment on column stage_supply.year is 'As in supply_entry.';
comment on column stage_supply.source is 'As in supply_entry.';
comment on column stage_supply.area_m2 is 'As in supply_entry, m2.';
comment on column stage_supply.secured_on is 'As in supply_entry.';
comment on column stage_supply.document is 'As in supply_entry.';
