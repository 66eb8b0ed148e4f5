-- The new columns of contracts and obligations on their way in. `corrects` says that the file named no first day.

alter table stage_contract
    add column supplements text,
    add column paid_on date,
    add column handed_over_on date,
    add column deposit_wan_yuan numeric(18, 6),
    add column bond_wan_yuan numeric(18, 6),
    add column bond_percent numeric(9, 6),
    add column bond_start_wan_yuan numeric(18, 6),
    add column bond_completion_wan_yuan numeric(18, 6),
    add column bond_production_wan_yuan numeric(18, 6),
    add column bond_form text,
    add column bond_due_on date,
    add column bond_paid_on date,
    add column valid_from date,
    add column valid_to date,
    add column corrects boolean not null;

create unlogged table stage_bond (
    file smallint not null,
    row bigint not null,
    key text not null,
    contract text not null,
    part text not null,
    amount_wan_yuan numeric(18, 6),
    percent numeric(9, 6),
    form text,
    due_on date,
    paid_on date,
    valid_from date,
    valid_to date,
    corrects boolean not null
);
comment on table stage_bond is 'Bonds on their way in, taken from the rows of stage_contract; columns as in the register''s own table.';
comment on column stage_bond.file is 'Which of the import''s files, from 0.';
comment on column stage_bond.row is 'Which row of that file, from 1.';
comment on column stage_bond.key is 'What a finding calls the row.';

alter table stage_obligation
    add column due_after text,
    add column due_count integer,
    add column due_unit text,
    add column due_yearly text,
    add column due_from_year integer,
    add column due_to_year integer,
    add column body text,
    add column evidence text,
    add column consequence text,
    add column act text,
    add column act_on date,
    add column act_until date,
    add column act_ground text,
    add column act_document text,
    add column valid_from date,
    add column valid_to date,
    add column corrects boolean not null;

do $$
declare
    it record;
begin
    for it in
        select c.relname, a.attname, substr(c.relname, length('stage_') + 1) as register
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = current_schema::regnamespace and c.relkind = 'r'
          and c.relname in ('stage_contract', 'stage_bond', 'stage_obligation')
          and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null
    loop
        execute format('comment on column %I.%I is %L', it.relname, it.attname,
            format('%s of %s, as the file has it.', it.attname, it.register));
    end loop;
end
$$;
