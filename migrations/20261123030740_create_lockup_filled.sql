-- Parcels of a first import go in while the guards of their table are laid aside. What lies on land that the same file tells a
-- past of is noted afterwards.
create or replace function lockup_claim_is_noted() returns trigger language plpgsql as $$
declare
    asked_by text;
begin
    get diagnostics asked_by = pg_context;
    if current_user <> (select pg_get_userbyid(c.relowner) from pg_class c where c.oid = tg_relid)
        or asked_by !~ '(^|\n)PL/pgSQL function lockup_(claims_of_(zones|parcels|uses|contracts|filled)|contracts_believed)\(' then
        raise exception using errcode = 'check_violation', constraint = 'lockup_claim_is_noted',
            message = 'what a transaction has to answer for is noted by the guards of the register alone';
    end if;
    return null;
end
$$;

create function lockup_claims_of_filled(versions bigint[]) returns void language plpgsql security definer as $$
begin
    insert into lockup_claim (what, thing, code, class, valid, asks)
    select side.what, v.id, p.code, k.class, v.valid, row_number() over () = 1
    from parcel_version v
    join parcel p on p.id = v.parcel_id
    cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
    cross join lateral (
        select 'use' as what where k.class <> 'industrial'
        union all
        select 'becomes' where k.class <> 'other') side
    where v.id = any (versions) and upper_inf(v.recorded) and not lower_inf(v.valid);
end
$$;
comment on function lockup_claims_of_filled(bigint[]) is 'Notes versions of parcels that went in past the guards of their table: they may come to another use, or become industrial.';
revoke execute on function lockup_claims_of_filled(bigint[]) from public;

do $$
begin
    execute format('alter function lockup_claims_of_filled(bigint[]) set search_path = %I, public, pg_temp', current_schema);
end
$$;
