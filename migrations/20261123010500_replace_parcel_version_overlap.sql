-- No two versions of a parcel overlap: the same promise, kept by a check of each statement instead of by an exclusion
-- constraint, whose tree over three columns took ten times as long to fill as all other indexes of the table together.

alter table parcel_version drop constraint parcel_version_overlap;

create function refuse_parcel_version_overlap() returns trigger
language plpgsql
as $$
declare
    twice bigint;
begin
    -- Writers of versions queue here, as every write transaction does already: of two that do not see each other's rows,
    -- each would find nothing to refuse. The queries below see what was committed before the lock was given.
    perform from revision_head for update;
    select c.parcel_id into twice
    from written c
    join parcel_version o on o.parcel_id = c.parcel_id and o.id <> c.id and o.valid && c.valid and o.recorded && c.recorded
    limit 1;
    if found then
        raise exception 'two versions of parcel % overlap in valid and in recorded time', twice
            using errcode = 'exclusion_violation', table = 'parcel_version', constraint = 'parcel_version_overlap';
    end if;
    return null;
end
$$;
comment on function refuse_parcel_version_overlap() is 'Refuses a statement that leaves two versions of a parcel with days in common that were believed at the same time.';

create trigger parcel_version_overlap_insert after insert on parcel_version
    referencing new table as written for each statement execute function refuse_parcel_version_overlap();
create trigger parcel_version_overlap_update after update on parcel_version
    referencing new table as written for each statement execute function refuse_parcel_version_overlap();
