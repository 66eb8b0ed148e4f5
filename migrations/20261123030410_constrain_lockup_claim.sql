-- Claims are made by the functions that note them, with the rights of the owner, and by nobody else; a parcel keeps its code,
-- by which contracts find their land.
create function lockup_claim_is_noted() returns trigger language plpgsql as $$
declare
    asked_by text;
begin
    get diagnostics asked_by = pg_context;
    if current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid)
        or asked_by !~ '(^|\n)PL/pgSQL function lockup_(claims_of_(zones|parcels|uses|contracts)|contracts_believed)\(\)' then
        raise exception using errcode = 'check_violation', constraint = 'lockup_claim_is_noted',
            message = 'what a transaction has to answer for is noted by the guards of the register alone';
    end if;
    return null;
end
$$;
comment on function lockup_claim_is_noted() is 'Refuses to let anyone else make a claim.';
create trigger lockup_claim_is_noted before insert on lockup_claim
    for each statement execute function lockup_claim_is_noted();

create function parcel_keeps_its_code() returns trigger language plpgsql as $$
begin
    if (old.id, old.code) is distinct from (new.id, new.code) then
        raise exception using errcode = 'check_violation', constraint = 'parcel_keeps_its_code', table = 'parcel',
            message = format('parcel %s keeps its code: contracts, locks and history find its land by it', old.code);
    end if;
    return new;
end
$$;
comment on function parcel_keeps_its_code() is 'Refuses another code for a parcel.';
create trigger parcel_keeps_its_code before update on parcel for each row execute function parcel_keeps_its_code();
