-- Objections to a run under notice, their answers, and the parcels that were judged again because an objection was upheld.
-- A later receipt stands beside the one before it and takes its place wherever results are read.

create table review_objection (
    id bigint generated always as identity primary key,
    run_id bigint not null,
    parcel text not null,
    party text not null check (party <> ''),
    ground text not null check (ground <> ''),
    document text not null check (document <> ''),
    on_date date not null,
    actor text not null check (actor <> ''),
    revision bigint not null references revision,
    foreign key (run_id, parcel) references review_result,
    unique (id, run_id, parcel)
);
comment on table review_objection is 'Objections to what a run found about a parcel. Append-only.';
comment on column review_objection.id is 'Number of the objection.';
comment on column review_objection.run_id is 'The run.';
comment on column review_objection.parcel is 'Code of the parcel.';
comment on column review_objection.party is 'Who objects.';
comment on column review_objection.ground is 'Why, in the words of the one who objects.';
comment on column review_objection.document is 'The letter in which it was made.';
comment on column review_objection.on_date is 'The day on which it was received.';
comment on column review_objection.actor is 'Who entered it.';
comment on column review_objection.revision is 'The revision that wrote this row.';
create index review_objection_run on review_objection (run_id, parcel);

create table review_answer (
    objection_id bigint primary key references review_objection,
    verdict text not null check (verdict in ('upheld', 'dismissed')),
    words text not null check (words <> ''),
    on_date date not null,
    actor text not null check (actor <> ''),
    revision bigint not null references revision
);
comment on table review_answer is 'The one answer to an objection. Append-only.';
comment on column review_answer.objection_id is 'The objection.';
comment on column review_answer.verdict is 'upheld or dismissed.';
comment on column review_answer.words is 'What the one who objects is told.';
comment on column review_answer.on_date is 'The day of the answer.';
comment on column review_answer.actor is 'Who answered; neither who made the run nor who objects.';
comment on column review_answer.revision is 'The revision that wrote this row.';

create table review_rerun (
    objection_id bigint primary key references review_answer,
    run_id bigint not null,
    parcel text not null,
    facts_revision bigint not null,
    grade text not null check (grade in ('A', 'B', 'C', 'D', 'T')),
    score double precision,
    rank integer,
    list text check (list in ('exit', 'renewal')),
    outcome text not null,
    receipt text not null,
    receipt_hash text not null check (receipt_hash ~ '^[0-9a-f]{64}$'),
    revision bigint not null references revision,
    foreign key (objection_id, run_id, parcel) references review_objection (id, run_id, parcel)
);
comment on table review_rerun is 'What was found about a parcel under corrected facts, after an objection was upheld. Append-only; the latest of a parcel stands.';
comment on column review_rerun.objection_id is 'The objection.';
comment on column review_rerun.run_id is 'The run.';
comment on column review_rerun.parcel is 'Code of the parcel.';
comment on column review_rerun.facts_revision is 'The newest revision of the register out of which the corrected facts were read.';
comment on column review_rerun.grade is 'A to D, or T: cannot be judged.';
comment on column review_rerun.score is 'Score under the benchmarks of the run; null for T.';
comment on column review_rerun.rank is 'The place it has among the others as they were judged; null for T.';
comment on column review_rerun.list is 'The list it goes on, if any.';
comment on column review_rerun.outcome is 'What the decision table recommends.';
comment on column review_rerun.receipt is 'Canonical JSON (RFC 8785), naming the objection and the receipt in whose place it stands.';
comment on column review_rerun.receipt_hash is 'SHA-256 of the receipt, hex.';
comment on column review_rerun.revision is 'The revision that wrote this row.';
create index review_rerun_run on review_rerun (run_id, parcel);
create index review_rerun_revision on review_rerun (revision);

create function review_standing(of_run bigint, known timestamptz)
returns table (run_id bigint, parcel text, grade text, score double precision, rank integer, list text, outcome text,
    receipt text, receipt_hash text, objection_id bigint)
language sql stable as $$
    select r.run_id, r.parcel, coalesce(l.grade, r.grade), case when l.parcel is null then r.score else l.score end,
        case when l.parcel is null then r.rank else l.rank end, case when l.parcel is null then r.list else l.list end,
        coalesce(l.outcome, r.outcome), coalesce(l.receipt, r.receipt), coalesce(l.receipt_hash, r.receipt_hash),
        l.objection_id
    from review_result r
    left join (
        select distinct on (n.parcel) n.* from review_rerun n join revision v on v.id = n.revision
        where n.run_id = of_run and v.recorded_at <= coalesce(known, 'infinity')
        order by n.parcel, n.revision desc) l on l.parcel = r.parcel
    where r.run_id = of_run
$$;
comment on function review_standing(bigint, timestamptz) is 'The results of a run as they stand, now or as known at a time: what was judged again in place of what it corrects.';

create function refuse_wrong_objection() returns trigger language plpgsql as $$
begin
    -- So that no run becomes final while an objection comes in.
    perform 1 from review_run where id = new.run_id for update;
    if review_state(new.run_id) <> 'noticed' or not exists (
        select from review_step s where s.run_id = new.run_id and s.deed = 'notice'
            and new.on_date between s.on_date and s.notice_until) then
        raise exception 'review run % is not under public notice on %', new.run_id, new.on_date
            using errcode = 'check_violation', constraint = 'review_objection_notice';
    end if;
    return new;
end
$$;
comment on function refuse_wrong_objection() is 'Refuses an objection outside the days of public notice.';
create trigger review_objection_notice before insert on review_objection
    for each row execute function refuse_wrong_objection();

create function refuse_wrong_answer() returns trigger language plpgsql as $$
declare
    asked record;
begin
    select o.run_id, o.on_date, person(o.party) as party, person(v.actor) as maker into asked
    from review_objection o join review_run r on r.id = o.run_id join revision v on v.id = r.revision
    where o.id = new.objection_id for update of r;
    if person(new.actor) in (asked.maker, asked.party) then
        raise exception 'objection % is not answered by who made the run or who objects', new.objection_id
            using errcode = 'check_violation', constraint = 'review_answer_four_eyes';
    end if;
    if review_state(asked.run_id) <> 'noticed' or new.on_date < asked.on_date then
        raise exception 'objection % cannot be answered on %', new.objection_id, new.on_date
            using errcode = 'check_violation', constraint = 'review_answer_notice';
    end if;
    return new;
end
$$;
comment on function refuse_wrong_answer() is 'Refuses an answer by who made the run or who objects, and one before the objection or after the run is final.';
create trigger review_answer_four_eyes before insert on review_answer
    for each row execute function refuse_wrong_answer();

-- At the end of each transaction, so that answer and receipt may come in either order.
create function refuse_answer_without_receipt() returns trigger language plpgsql as $$
begin
    if exists (
        select from review_answer a left join review_rerun n using (objection_id)
        where a.objection_id = new.objection_id and (a.verdict = 'upheld') is distinct from (n.objection_id is not null)) then
        raise exception 'objection %: an upheld one has a later receipt, a dismissed one has none', new.objection_id
            using errcode = 'check_violation', constraint = 'review_answer_receipt';
    end if;
    return null;
end
$$;
comment on function refuse_answer_without_receipt() is 'Refuses an objection upheld without judging the parcel again, and the reverse.';
create constraint trigger review_answer_receipt after insert on review_answer
    deferrable initially deferred for each row execute function refuse_answer_without_receipt();
create constraint trigger review_rerun_receipt after insert on review_rerun
    deferrable initially deferred for each row execute function refuse_answer_without_receipt();

create function refuse_open_objections() returns trigger language plpgsql as $$
begin
    if exists (
        select from review_objection o
        where o.run_id = new.run_id and not exists (select from review_answer a where a.objection_id = o.id)) then
        raise exception 'review run % has objections without an answer', new.run_id
            using errcode = 'check_violation', constraint = 'review_step_objections';
    end if;
    return new;
end
$$;
comment on function refuse_open_objections() is 'Refuses to make a run final while an objection is open.';
create trigger review_step_objections before insert on review_step
    for each row when (new.deed = 'finalise') execute function refuse_open_objections();

create trigger review_objection_append_only before update or delete or truncate on review_objection
    for each statement execute function refuse_change();
create trigger review_answer_append_only before update or delete or truncate on review_answer
    for each statement execute function refuse_change();
create trigger review_rerun_append_only before update or delete or truncate on review_rerun
    for each statement execute function refuse_change();
