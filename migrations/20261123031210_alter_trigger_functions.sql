-- The guards read the register's own tables, whatever tables of the same name whoever writes has put in front of them: a
-- temporary table comes first in every search path that does not name it.
alter function refuse_overdrawn_lot() security definer;
do $$
declare
    name text;
begin
    for name in
        select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace = current_schema::regnamespace and p.prorettype = 'trigger'::regtype
            and not coalesce(array_to_string(p.proconfig, ' ') like '%search\_path=%', false)
    loop
        execute format('alter function %s set search_path = %I, public, pg_temp', name, current_schema);
    end loop;
end
$$;
