-- Contracts and obligations in two times, the bonds behind them, and what was decided about them on the way.

alter table contract
    add column valid daterange check (not isempty(valid)),
    add column supplements text,
    add column paid_on date,
    add column handed_over_on date,
    add column deposit_wan_yuan numeric(18, 6) check (deposit_wan_yuan >= 0),
    drop constraint contract_kind_check,
    add constraint contract_kind_check
        check (kind in ('grant', 'flexible_grant', 'lease', 'lease_then_grant', 'allocation'));
-- What was believed before is law from the day of its own signature.
update contract set valid = daterange(signed_on, null);
drop index contract_current;
alter table contract
    alter column valid set not null,
    add constraint contract_overlap exclude using gist (number with =, valid with &&, recorded with &&);
create index contract_number on contract (number) where upper_inf(recorded);
comment on table contract is 'Land contracts (出让、弹性年期出让、租赁、先租后让、划拨) in two times: valid in law and recorded by the register.';
comment on column contract.kind is 'grant 出让, flexible_grant 弹性年期出让, lease 租赁, lease_then_grant 先租后让, allocation 划拨.';
comment on column contract.valid is 'Days on which this version is law.';
comment on column contract.supplements is 'Number of the contract that this one supplements (补充合同).';
comment on column contract.paid_on is 'Day on which the price was paid in full.';
comment on column contract.handed_over_on is 'Day on which the land was handed over (交地).';
comment on column contract.deposit_wan_yuan is 'Deposit (定金), 万元.';

alter table obligation
    add column valid daterange check (not isempty(valid)),
    add column due_after text check (due_after in ('signing', 'payment', 'handover', 'start', 'completion', 'production',
        'full_production', 'demand')),
    add column due_count integer check (due_count >= 0),
    add column due_unit text check (due_unit in ('months', 'days', 'working_days')),
    add column due_yearly text check (due_yearly ~ '^\d\d-\d\d$'),
    add column due_from_year integer,
    add column due_to_year integer check (due_to_year >= due_from_year),
    add column body text,
    add column evidence text,
    add column consequence text,
    add constraint obligation_due_rule check (
        (due_after is null) = (due_count is null) and (due_after is null) = (due_unit is null)
        and (due_yearly is null) = (due_from_year is null)
        and num_nonnulls(due_on, due_after, due_yearly) <= 1),
    drop constraint obligation_kind_check,
    add constraint obligation_kind_check check (kind in ('start', 'completion', 'production', 'full_production',
        'investment', 'output', 'tax', 'energy', 'emissions', 'jobs', 'plot_ratio_low', 'plot_ratio_high',
        'payment', 'bond', 'handover', 'transfer_limit'));
update obligation o set valid = daterange(
    (select c.signed_on from contract c where c.number = o.contract and upper_inf(c.recorded) limit 1), null);
drop index obligation_current;
alter table obligation
    alter column valid set not null,
    add constraint obligation_overlap exclude using gist (number with =, valid with &&, recorded with &&);
create index obligation_number on obligation (number) where upper_inf(recorded);
comment on table obligation is 'What a contract promises and what came of it, in two times: valid in law and recorded by the register. Clocks are worked out from it and never stored.';
comment on column obligation.kind is 'What is promised; handover is the government''s own duty.';
comment on column obligation.valid is 'Days on which this version is law.';
comment on column obligation.due_on is 'Until when, as a day; else due_after or due_yearly.';
comment on column obligation.due_after is 'The event from which due_count due_units are counted.';
comment on column obligation.due_count is 'How many units after the event.';
comment on column obligation.due_unit is 'months, days or working_days.';
comment on column obligation.due_yearly is 'Month and day of each year, as 04-30, from due_from_year to due_to_year.';
comment on column obligation.due_from_year is 'First year in which it falls due.';
comment on column obligation.due_to_year is 'Last year in which it falls due; null while the contract lasts.';
comment on column obligation.body is 'Who answers for it (责任主体); null means the responsible unit of the contract.';
comment on column obligation.evidence is 'What shows that it was met.';
comment on column obligation.consequence is 'What the contract says of a breach.';

create table bond (
    id bigint generated always as identity primary key,
    contract text not null,
    part text not null check (part in ('start', 'completion', 'production', 'whole')),
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    amount_wan_yuan numeric(18, 6) check (amount_wan_yuan >= 0),
    percent numeric(9, 6) check (percent >= 0),
    form text check (form in ('cash', 'guarantee')),
    due_on date,
    paid_on date,
    settled text check (settled in ('returned', 'forfeited', 'partly_forfeited')),
    settled_on date,
    forfeited_wan_yuan numeric(18, 6) check (forfeited_wan_yuan >= 0),
    revision bigint not null references revision,
    check ((settled is null) = (settled_on is null)),
    constraint bond_overlap exclude using gist (contract with =, part with =, valid with &&, recorded with &&)
);
comment on table bond is 'Performance bonds (履约保证金) of contracts by part, in two times.';
comment on column bond.id is 'Row number, of no meaning outside.';
comment on column bond.contract is 'Number of the contract.';
comment on column bond.part is 'start 开工, completion 竣工, production 投产; whole where the contract''s split is not known.';
comment on column bond.valid is 'Days on which this version is law.';
comment on column bond.recorded is 'Times at which this was what the register believed.';
comment on column bond.amount_wan_yuan is 'Amount, 万元; null where only the per cent of an unknown price is known.';
comment on column bond.percent is 'Share of the price, per cent, where the contract names it so.';
comment on column bond.form is 'cash 现金, guarantee 保函; null where unknown.';
comment on column bond.due_on is 'Until when it is to be paid.';
comment on column bond.paid_on is 'When it was paid; null while it is not.';
comment on column bond.settled is 'returned 退还, forfeited 没收, partly_forfeited 部分没收; null while it is open.';
comment on column bond.settled_on is 'When it was settled.';
comment on column bond.forfeited_wan_yuan is 'What of it was kept, 万元.';
comment on column bond.revision is 'The revision that wrote this version.';
create index bond_contract on bond (contract) where upper_inf(recorded);

create table obligation_act (
    id bigint generated always as identity primary key,
    obligation text not null,
    act text not null check (act in ('extended', 'waived', 'cured', 'met', 'found_breached')),
    on_date date not null,
    until date,
    ground text not null check (ground <> ''),
    document text not null check (document <> ''),
    recorded tstzrange not null check (not isempty(recorded)),
    revision bigint not null references revision,
    check ((act = 'extended') = (until is not null)),
    constraint obligation_act_overlap exclude using gist (obligation with =, act with =, on_date with =, recorded with &&)
);
comment on table obligation_act is 'What was decided about an obligation. A clock stops only by a recorded ground with its document.';
comment on column obligation_act.id is 'Row number, of no meaning outside.';
comment on column obligation_act.obligation is 'Number of the obligation.';
comment on column obligation_act.act is 'extended 延期, waived 免除, cured 补正, met 认定履行, found_breached 认定违约.';
comment on column obligation_act.on_date is 'Day of the decision.';
comment on column obligation_act.until is 'The new day of an extension.';
comment on column obligation_act.ground is 'Why.';
comment on column obligation_act.document is 'The document that says so.';
comment on column obligation_act.recorded is 'Times at which this was what the register believed.';
comment on column obligation_act.revision is 'The revision that wrote this row.';
create index obligation_act_obligation on obligation_act (obligation) where upper_inf(recorded);
