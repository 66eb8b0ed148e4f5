-- The guards of parks too read the register's own tables, whatever tables of the same name whoever writes has put in front of
-- them, and see what others have committed while they queued.
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
    foreach name in array array['park_step', 'park_life', 'park_standing'] loop
        execute format('create trigger %I before insert on %I for each statement execute function refuse_frozen_sight()',
            name || '_read_committed_only', name);
    end loop;
end
$$;
