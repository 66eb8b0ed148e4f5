-- Who was left out of a run and why, and one hash over what a run keeps beside its receipts. What a run of kind calendar
-- finds is about those whose review is due; the others are in it as their peers.

create table review_left_out (
    run_id bigint not null references review_run,
    parcel text collate "C" not null check (parcel <> ''),
    reason text not null check (reason in ('use-not-covered', 'outside-scope', 'under-renewal', 'exit-case', 'not-supplied',
        'given-up', 'not-industrial', 'term-over', 'vacant')),
    primary key (run_id, parcel)
);
comment on table review_left_out is 'The parcels of the day that a run has no result for, by which rule. Append-only.';
comment on column review_left_out.run_id is 'The run.';
comment on column review_left_out.parcel is 'Code of the parcel.';
comment on column review_left_out.reason is 'Why: by the use or the scope of the scheme, or by the rulebook''s left-out- value of that name.';
create trigger review_left_out_append_only before update or delete or truncate on review_left_out
    for each statement execute function refuse_change();

alter table review_run add column beside_hash text
    check (octet_length(beside_hash) = 64 and translate(beside_hash, '0123456789abcdef', '') = '');
comment on column review_run.beside_hash is 'SHA-256 over who was left out and, of a run of kind calendar, which reviews it answers, hex; null for runs made before that was kept.';

create or replace function review_standing(of_run bigint, known timestamptz)
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
        and (not exists (select from review_due d where d.run_id = of_run)
            or r.parcel in (select d.parcel from review_due d where d.run_id = of_run))
$$;
comment on function review_standing(bigint, timestamptz) is 'The results of a run as they stand, now or as known at a time: what was judged again in place of what it corrects; of a run of kind calendar those alone whose review it answers.';
