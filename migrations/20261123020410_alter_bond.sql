-- When a bond was demanded, and what rows of contracts say of that and of its settlement.

alter table bond
    add column demanded_on date,
    add constraint bond_forfeited_is_settled check (forfeited_wan_yuan is null or settled is not null);
comment on column bond.demanded_on is 'Day on which payment was demanded (催缴); null while it was not.';

alter table stage_contract
    add column period boolean not null,
    add column bond_demanded_on date,
    add column bond_settled text,
    add column bond_settled_on date,
    add column bond_forfeited_wan_yuan numeric(18, 6),
    add column bond_start_settled text,
    add column bond_start_settled_on date,
    add column bond_start_forfeited_wan_yuan numeric(18, 6),
    add column bond_completion_settled text,
    add column bond_completion_settled_on date,
    add column bond_completion_forfeited_wan_yuan numeric(18, 6),
    add column bond_production_settled text,
    add column bond_production_settled_on date,
    add column bond_production_forfeited_wan_yuan numeric(18, 6);
comment on column stage_contract.period is 'Whether the row speaks of days of its own alone.';

alter table stage_bond
    add column period boolean not null,
    add column demanded_on date,
    add column settled text,
    add column settled_on date,
    add column forfeited_wan_yuan numeric(18, 6);
comment on column stage_bond.period is 'Whether the row speaks of days of its own alone.';

do $$
declare
    it record;
begin
    for it in
        select c.relname, a.attname, substr(c.relname, length('stage_') + 1) as register
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema::regnamespace and c.relkind = 'r'
          and c.relname in ('stage_contract', 'stage_bond')
          and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null
    loop
        execute format('comment on column %I.%I is %L', it.relname, it.attname,
            format('%s of %s, as the file has it.', it.attname, it.register));
    end loop;
end
$$;
