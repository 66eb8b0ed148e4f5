-- Reviews that a server is to run when it comes to it. A worker holds the row it works at, so that a job whose worker dies
-- is free again. No part of the register: what a job leaves there is its run.

create table review_job (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('round', 'calendar')),
    as_of date not null,
    scheme text not null check (scheme <> ''),
    window_years integer check (window_years between 3 and 5),
    queued_by text not null check (queued_by <> ''),
    queued_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    ended_at timestamptz,
    run_id bigint references review_run,
    error text check (error <> ''),
    constraint review_job_ended check ((ended_at is null) = (run_id is null and error is null) and (run_id is null or error is null))
);
comment on table review_job is 'Reviews that wait for a server to run them, and what became of those that did.';
comment on column review_job.id is 'Number of the job; the lowest that waits is run first.';
comment on column review_job.kind is 'round: the citywide round; calendar: what contracts make due.';
comment on column review_job.as_of is 'The day to judge.';
comment on column review_job.scheme is 'Name of a scheme that comes with the program.';
comment on column review_job.window_years is 'How many full years to look at; null takes the scheme''s own number.';
comment on column review_job.queued_by is 'Who asked for it, and counts as who made the run.';
comment on column review_job.queued_at is 'When it was asked for.';
comment on column review_job.attempts is 'How often a worker has begun it.';
comment on column review_job.ended_at is 'When it ended; null while it waits or is worked at.';
comment on column review_job.run_id is 'The run that came of it, new or there already.';
comment on column review_job.error is 'Why no run came of it.';
create index review_job_waiting on review_job (id) where ended_at is null;
