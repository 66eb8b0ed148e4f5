-- The guards queue behind whoever writes and then look at what was committed. A transaction that keeps looking at the moment
-- it began would not see it: two of them at once could each take what the other leaves.
create function refuse_frozen_sight() returns trigger language plpgsql as $$
begin
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        raise exception 'the register is not written at the isolation level %', current_setting('transaction_isolation')
            using errcode = 'invalid_transaction_state', constraint = 'read_committed_only',
                hint = 'begin the transaction with isolation level read committed';
    end if;
    return null;
end
$$;
comment on function refuse_frozen_sight() is 'Refuses to write where the guards would not see what others have committed.';
do $$
declare
    name text;
begin
    foreach name in array array['parcel_version', 'zone_version', 'contract', 'special_approval', 'reserve_entry'] loop
        execute format('create trigger %I before insert or update or delete on %I for each statement execute function refuse_frozen_sight()',
            name || '_read_committed_only', name);
    end loop;
    execute format('alter function refuse_frozen_sight() set search_path = %I, public, pg_temp', current_schema);
end
$$;
