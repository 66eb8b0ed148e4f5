-- A run is published by someone else than who made it, once, and stays published: what rests on a published review can
-- always be worked out again.

create table review_publication (
    run_id bigint primary key references review_run,
    published_by text not null check (published_by <> ''),
    published_at timestamptz not null,
    revision bigint not null references revision
);
comment on table review_publication is 'Runs that were published. Append-only: a run that should not have been is followed by a better one.';
comment on column review_publication.run_id is 'The run.';
comment on column review_publication.published_by is 'Who published it; another person than who made the run.';
comment on column review_publication.published_at is 'When, as recorded.';
comment on column review_publication.revision is 'The revision that wrote this row.';
comment on column review_run.state is 'draft; a run with a row in review_publication is published.';

create function refuse_own_publication() returns trigger language plpgsql as $$
begin
    if exists (
        select from review_run r join revision v on v.id = r.revision
        where r.id = new.run_id and person(v.actor) = person(new.published_by)) then
        raise exception 'review run % was made by %, who does not publish it too', new.run_id, new.published_by
            using errcode = 'check_violation', constraint = 'review_publication_four_eyes';
    end if;
    return new;
end
$$;
comment on function refuse_own_publication() is 'Refuses the publication of a run by the person who made it.';
create trigger review_publication_four_eyes before insert on review_publication
    for each row execute function refuse_own_publication();

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name
        using errcode = 'check_violation', constraint = tg_table_name || '_append_only';
end
$$;
comment on function refuse_change() is 'Refuses every change of what was written.';
create trigger review_publication_append_only before update or delete or truncate on review_publication
    for each statement execute function refuse_change();
