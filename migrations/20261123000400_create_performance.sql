-- Who works on the land, what was promised, and what came of it.

create table enterprise (
    id bigint generated always as identity primary key,
    code text not null,
    recorded tstzrange not null check (not isempty(recorded)),
    name text not null,
    industry text,
    founded_on date,
    above_scale boolean,
    revision bigint not null references revision
);
comment on table enterprise is 'Enterprises; a corrected row is closed in recorded time and followed by a new one.';
comment on column enterprise.id is 'Row number, of no meaning outside.';
comment on column enterprise.code is 'Unified social credit code, or the bureau''s own.';
comment on column enterprise.recorded is 'Times at which this was what the register believed.';
comment on column enterprise.name is 'Registered name.';
comment on column enterprise.industry is 'GB/T 4754 class, two to four digits.';
comment on column enterprise.founded_on is 'Day of foundation.';
comment on column enterprise.above_scale is 'Whether it is above the scale of full statistics (规上); null where unknown.';
comment on column enterprise.revision is 'The revision that wrote this row.';
create unique index enterprise_current on enterprise (code) where upper_inf(recorded);

create table occupancy (
    id bigint generated always as identity primary key,
    parcel text not null,
    enterprise text not null,
    role text not null check (role in ('owner', 'tenant')),
    from_on date not null,
    recorded tstzrange not null check (not isempty(recorded)),
    to_on date check (to_on > from_on),
    floor_area_m2 double precision not null check (floor_area_m2 > 0),
    tax_is_local boolean not null,
    revision bigint not null references revision
);
comment on table occupancy is 'Which enterprise uses how much floor area of which parcel, and when: the key by which its figures reach parcels.';
comment on column occupancy.id is 'Row number, of no meaning outside.';
comment on column occupancy.parcel is 'Code of the parcel.';
comment on column occupancy.enterprise is 'Code of the enterprise.';
comment on column occupancy.role is 'owner holds the land, tenant rents.';
comment on column occupancy.from_on is 'First day.';
comment on column occupancy.recorded is 'Times at which this was what the register believed.';
comment on column occupancy.to_on is 'First day after the last; null while it lasts.';
comment on column occupancy.floor_area_m2 is 'Floor area used, m2.';
comment on column occupancy.tax_is_local is 'Whether its tax is paid in this city.';
comment on column occupancy.revision is 'The revision that wrote this row.';
create unique index occupancy_current on occupancy (parcel, enterprise, role, from_on) where upper_inf(recorded);

create table contract (
    id bigint generated always as identity primary key,
    number text not null,
    parcel text not null,
    recorded tstzrange not null check (not isempty(recorded)),
    kind text not null check (kind in ('grant', 'lease', 'lease_then_grant', 'allocation')),
    holder text,
    signed_on date not null,
    term_starts_on date not null,
    term_ends_on date check (term_ends_on > term_starts_on),
    price_wan_yuan numeric(18, 6) check (price_wan_yuan >= 0),
    plot_ratio_low double precision check (plot_ratio_low > 0),
    plot_ratio_high double precision check (plot_ratio_high >= plot_ratio_low),
    performance_terms boolean not null,
    responsible_unit text,
    developed_percent double precision check (developed_percent >= 0),
    invested_percent double precision check (invested_percent >= 0),
    suspended_on date,
    revision bigint not null references revision
);
comment on table contract is 'Land contracts (出让、租赁、先租后让、划拨); a corrected row is closed in recorded time and followed by a new one.';
comment on column contract.id is 'Row number, of no meaning outside.';
comment on column contract.number is 'Contract number.';
comment on column contract.parcel is 'Code of the parcel.';
comment on column contract.recorded is 'Times at which this was what the register believed.';
comment on column contract.kind is 'grant 出让, lease 租赁, lease_then_grant 先租后让, allocation 划拨.';
comment on column contract.holder is 'Code of the enterprise that holds the land.';
comment on column contract.signed_on is 'Day of signature.';
comment on column contract.term_starts_on is 'First day of the term.';
comment on column contract.term_ends_on is 'First day after the term; null for allocated land.';
comment on column contract.price_wan_yuan is 'Price, 万元.';
comment on column contract.plot_ratio_low is 'Lowest plot ratio promised.';
comment on column contract.plot_ratio_high is 'Highest plot ratio agreed.';
comment on column contract.performance_terms is 'Whether it carries life-cycle performance terms (全生命周期管理).';
comment on column contract.responsible_unit is 'Who supervises it.';
comment on column contract.developed_percent is 'Land developed of the land that was due, per cent.';
comment on column contract.invested_percent is 'Investment made of the investment agreed, per cent.';
comment on column contract.suspended_on is 'Day since which works stand still.';
comment on column contract.revision is 'The revision that wrote this row.';
create unique index contract_current on contract (number) where upper_inf(recorded);
create index contract_parcel on contract (parcel) where upper_inf(recorded);

create table obligation (
    id bigint generated always as identity primary key,
    number text not null,
    contract text not null,
    recorded tstzrange not null check (not isempty(recorded)),
    kind text not null check (kind in ('start', 'completion', 'production', 'full_production', 'investment', 'output',
        'tax', 'energy', 'emissions', 'jobs', 'plot_ratio_low', 'plot_ratio_high')),
    due_on date,
    target numeric(18, 6),
    unit text,
    at_most boolean not null,
    met_on date,
    achieved numeric(18, 6),
    excuse text check (excuse in ('government', 'force_majeure')),
    revision bigint not null references revision
);
comment on table obligation is 'What a contract promises and what came of it; a corrected row is closed in recorded time and followed by a new one.';
comment on column obligation.id is 'Row number, of no meaning outside.';
comment on column obligation.number is 'Number of the obligation.';
comment on column obligation.contract is 'Number of its contract.';
comment on column obligation.recorded is 'Times at which this was what the register believed.';
comment on column obligation.kind is 'What is promised.';
comment on column obligation.due_on is 'Until when.';
comment on column obligation.target is 'The figure promised, in the unit beside it.';
comment on column obligation.unit is 'Unit of target and achieved.';
comment on column obligation.at_most is 'Whether the target is a ceiling rather than a floor.';
comment on column obligation.met_on is 'When it was met; null while open.';
comment on column obligation.achieved is 'The figure reached.';
comment on column obligation.excuse is 'Why a delay is not the holder''s fault.';
comment on column obligation.revision is 'The revision that wrote this row.';
create unique index obligation_current on obligation (number) where upper_inf(recorded);
create index obligation_contract on obligation (contract) where upper_inf(recorded);

create table annual_return (
    id bigint generated always as identity primary key,
    enterprise text not null,
    year integer not null,
    recorded tstzrange not null check (not isempty(recorded)),
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
    veto text check (veto in ('safety', 'environment', 'illegal_use')),
    veto_cleared_on date,
    revision bigint not null references revision
);
comment on table annual_return is 'Yearly figures of an enterprise. Null is unknown, never zero. A correction keeps the earlier figure in recorded time.';
comment on column annual_return.id is 'Row number, of no meaning outside.';
comment on column annual_return.enterprise is 'Code of the enterprise.';
comment on column annual_return.year is 'Calendar year.';
comment on column annual_return.recorded is 'Times at which this was what the register believed.';
comment on column annual_return.output_wan_yuan is 'Industrial output (工业总产值), 万元.';
comment on column annual_return.revenue_wan_yuan is 'Main revenue (主营业务收入), 万元.';
comment on column annual_return.tax_wan_yuan is 'Tax actually paid (实缴税收), 万元.';
comment on column annual_return.value_added_wan_yuan is 'Value added (工业增加值), 万元.';
comment on column annual_return.fixed_assets_wan_yuan is 'Cumulative fixed assets, 万元.';
comment on column annual_return.energy_tce is 'Energy used, tonnes of coal equivalent.';
comment on column annual_return.emissions_t is 'Emissions, t.';
comment on column annual_return.rd_wan_yuan is 'Research and development spending, 万元.';
comment on column annual_return.staff is 'Mean staff.';
comment on column annual_return.staff_local is 'Mean staff from this city.';
comment on column annual_return.veto is 'A fault that caps the grade until cleared.';
comment on column annual_return.veto_cleared_on is 'When it was cleared.';
comment on column annual_return.revision is 'The revision that wrote this row.';
create unique index annual_return_current on annual_return (enterprise, year) where upper_inf(recorded);
