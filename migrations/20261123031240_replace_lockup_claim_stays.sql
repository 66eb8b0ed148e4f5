-- Whoever asks is told by the rights with which the asking runs, not by words alone: the text of a statement stands in what
-- the database says of how it came to be, and may say anything.
create or replace function lockup_claim_stays() returns trigger language plpgsql as $$
declare
    asked_by text;
begin
    get diagnostics asked_by = pg_context;
    if current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid)
        or asked_by !~ '^[^\n]*\nSQL statement "delete from lockup_claim"\nPL/pgSQL function lockup_judge\(\) ' then
        raise exception using errcode = 'check_violation', constraint = 'lockup_claim_stays',
            message = 'what a transaction has to answer for is struck by the judgement alone';
    end if;
    return null;
end
$$;

create or replace function lockup_is_kept() returns trigger language plpgsql as $$
declare
    asked_by text;
begin
    get diagnostics asked_by = pg_context;
    if tg_op <> 'INSERT' or current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid)
        or asked_by !~ '(^|\n)PL/pgSQL function lockup_(claims_of_contracts|judge)\(\)' then
        raise exception using errcode = 'check_violation', constraint = 'lockup_is_kept', table = tg_relid::regclass::text,
            message = format('%s is kept by the guards of the register alone', tg_relid::regclass);
    end if;
    return null;
end
$$;

revoke execute on function lockup_judge() from public;

do $$
declare
    name text;
begin
    foreach name in array array['lockup_claim_stays()', 'lockup_is_kept()'] loop
        execute format('alter function %s set search_path = %I, public, pg_temp', name, current_schema);
    end loop;
end
$$;
