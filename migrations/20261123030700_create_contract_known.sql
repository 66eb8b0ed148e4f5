-- When the register first heard of whose contract it is, by its own clock and whatever a row says of its revision. On it
-- rests who is a stock owner: the history that came while the register opened is taken as it was told; an older contract that
-- is found later makes nobody one until two officers have said so.
create table contract_known (
    number text not null,
    parcel text not null,
    holder text,
    signed_on date not null,
    at timestamptz not null,
    act text not null,
    land geometry(MultiPolygon, 4490),
    constraint contract_known_once unique nulls not distinct (number, parcel, holder, signed_on)
);
comment on table contract_known is 'When the register first heard of a contract of this holder on this parcel with this day of signature.';
comment on column contract_known.number is 'Contract number.';
comment on column contract_known.parcel is 'Code of the parcel.';
comment on column contract_known.holder is 'Code of the enterprise that holds the land.';
comment on column contract_known.signed_on is 'Day of signature.';
comment on column contract_known.at is 'Time at which it was first heard of, by the clock of the database.';
comment on column contract_known.act is 'The transaction that told it; what one transaction tells is told at once.';
comment on column contract_known.land is 'The land of the parcel on the day of signature, or when it came after that, as it was believed then; null where it was not known.';
insert into contract_known (number, parcel, holder, signed_on, at, act, land)
select distinct on (c.number, c.parcel, c.holder, c.signed_on)
    c.number, c.parcel, c.holder, c.signed_on, r.recorded_at, 'revision ' || r.id, l.geom
from contract c
join revision r on r.id = c.revision
left join lateral (
    select v.geom from parcel p join parcel_version v on v.parcel_id = p.id
    where p.code = c.parcel and v.recorded @> r.recorded_at and (v.valid @> c.signed_on or lower(v.valid) > c.signed_on)
    order by lower(v.valid) nulls first limit 1) l on true
order by c.number, c.parcel, c.holder, c.signed_on, r.id;

-- What the guards keep for themselves is written by them alone, and stays.
create function lockup_is_kept() returns trigger language plpgsql as $$
declare
    asked_by text;
begin
    get diagnostics asked_by = pg_context;
    if tg_op <> 'INSERT' or asked_by !~ '(^|\n)PL/pgSQL function lockup_(claims_of_contracts|judge)\(\)' then
        raise exception using errcode = 'check_violation', constraint = 'lockup_is_kept', table = tg_relid::regclass::text,
            message = format('%s is kept by the guards of the register alone', tg_relid::regclass);
    end if;
    return null;
end
$$;
comment on function lockup_is_kept() is 'Refuses to let anyone but the guards write what the two locks remember.';
create trigger contract_known_is_kept before insert or update or delete or truncate on contract_known
    for each statement execute function lockup_is_kept();

create function lockup_projects_since() returns date language sql stable parallel safe
as $$
    select min(lower(r.valid)) from lockup_rule r
    where upper_inf(r.recorded) and r.verdict <> 'allowed' and 'new-project' = any (r.deeds)
$$;
comment on function lockup_projects_since() is 'The first day of the second lock, as the register reckons now; null before rules were recorded.';

create or replace function lockup_claims_of_contracts() returns trigger language plpgsql security definer as $$
begin
    perform from revision_head for update;
    insert into contract_known (number, parcel, holder, signed_on, at, act, land)
    select c.number, c.parcel, c.holder, c.signed_on, clock_timestamp(), pg_current_xact_id()::text, l.geom
    from (select distinct w.number, w.parcel, w.holder, w.signed_on from written w where upper_inf(w.recorded)) c
    left join lateral (
        select v.geom from parcel p join parcel_version v on v.parcel_id = p.id
        where p.code = c.parcel and upper_inf(v.recorded) and (v.valid @> c.signed_on or lower(v.valid) > c.signed_on)
        order by lower(v.valid) nulls first limit 1) l on true
    on conflict do nothing;
    insert into lockup_claim (what, thing, code, asks)
    select 'contract', c.id, c.number, row_number() over () = 1
    from written c
    where upper_inf(c.recorded) and c.signed_on >= (select lockup_projects_since())
        and not exists (
            select from lockup_claim o
            where o.what = 'signed' and o.code = c.number
                and o.said = jsonb_build_array(c.parcel, c.signed_on, c.holder)::text);
    return null;
end
$$;

-- Two officers may say of a contract that was found late that its holder is a stock owner.
alter table special_approval drop constraint special_approval_deed_check,
    add constraint special_approval_deed check (deed in ('change-of-use', 'division', 'boundary-change', 'continuation')),
    add column holder text,
    add constraint special_approval_holder check (holder is null or deed = 'continuation');
comment on table special_approval is 'Special approvals (专项批准) that let locked land be taken, used once; and the word of two officers on a contract from before the rule that was found late. Proposed by one officer, confirmed by another.';
comment on column special_approval.deed is 'change-of-use 改变用途, division 分割合并调整注销, boundary-change 基地边界调整, continuation 补录的存量合同.';
comment on column special_approval.subject is 'Code of the parcel or zone, words for an area, or number of the contract.';
comment on column special_approval.area_m2 is 'Locked land within it that it lets be taken, of a contract its land, geodesic, m2.';
comment on column special_approval.holder is 'Holder of the contract, where it is about one.';

-- Contracts by which someone who did not hold the land begins a project. Of each it is asked on which land and by the law of
-- which day: those of its signature, or of a version of its parcel that is named.
create function lockup_newcomers(among bigint[], versions bigint[])
returns table (number text, parcel text, day date, class text, plan_known boolean, rule text, verdict text, finding text, geom geometry)
language sql stable
as $$
    with recursive asked as (
        select distinct on (c.number, m.version) c.id, m.version, c.number, c.parcel, c.holder, c.supplements, c.signed_on,
            p.id as parcel_id, k.at, k.act
        from contract c
        join parcel p on p.code = c.parcel
        left join unnest(among, versions) m (id, version) on m.id = c.id
        left join contract_known k on k.number = c.number and k.parcel = c.parcel and k.signed_on = c.signed_on
            and k.holder is not distinct from c.holder
        where upper_inf(c.recorded) and (among is null or m.id is not null) and c.signed_on >= (select lockup_projects_since())
        order by c.number, m.version, c.id desc
    ), opening as (
        select k.at, k.act from contract_known k order by k.at, k.act limit 1
    ), family (id, member, is_own) as (
        select a.id, a.parcel_id, true from asked a
        union
        select f.id, l.parent, false from family f
        join lineage_link l on l.child = f.member
        join lineage_event e on e.id = l.event and e.kind in ('split', 'merge')
    ), held as materialized (
        select distinct a.id, t.number, t.parcel, t.holder, t.supplements, t.signed_on, t.valid
        from asked a
        join family f on f.id = a.id
        join parcel p on p.id = f.member
        join contract t on t.parcel = p.code
        where upper_inf(t.recorded) and t.number <> a.number
            and (t.holder = a.holder or t.holder is null and a.holder is null and a.supplements = t.number)
            and (t.signed_on < a.signed_on or t.signed_on = a.signed_on and not f.is_own)
            and t.valid && daterange(a.signed_on - 1, a.signed_on, '[]')
            -- Told earlier, not in one breath; only what opens the register brings its own history.
            and (a.act = (select o.act from opening o) or exists (
                select from contract_known k
                where k.number = t.number and k.parcel = t.parcel and k.holder is not distinct from t.holder
                    and k.signed_on <= a.signed_on and k.at < a.at and k.act <> a.act))
    ), origin (id, number, parcel, holder, supplements, signed_on, valid) as (
        -- The contract of a lot names the one of the parcel it was split from; that of merged land goes on under its number.
        select h.id, h.number, h.parcel, h.holder, h.supplements, h.signed_on, h.valid from held h
        union
        select o.id, t.number, t.parcel, t.holder, t.supplements, t.signed_on, t.valid
        from origin o
        join contract t on t.parcel <> o.parcel and upper_inf(t.recorded)
            and (t.number = o.supplements or t.number = o.number and t.valid << o.valid)
    ), root as materialized (
        select distinct o.id, o.parcel, l.geom
        from origin o
        cross join lateral (
            select min(t.signed_on) as signed_on from contract t where t.parcel = o.parcel and upper_inf(t.recorded)) s
        cross join lateral (
            select v.geom from parcel p join parcel_version v on v.parcel_id = p.id
            where p.code = o.parcel and upper_inf(v.recorded)
            order by v.valid @> s.signed_on desc, coalesce(lower(v.valid) > s.signed_on, false) desc, lower(v.valid) nulls first limit 1) l
        where not exists (
                select from contract t
                where t.parcel <> o.parcel and upper_inf(t.recorded)
                    and (t.number = o.supplements or t.number = o.number and t.valid << o.valid))
            and (o.signed_on >= (select lockup_projects_since())
                or exists (
                    select from contract_known k, opening b
                    where k.number = o.number and k.parcel = o.parcel and k.holder is not distinct from o.holder
                        and k.signed_on < (select lockup_projects_since())
                        and k.at <= b.at + make_interval(days => (
                            select lockup_value('lockup-opening-days', lockup_projects_since()))::integer))
                or exists (
                    select from special_approval a
                    where a.deed = 'continuation' and a.confirmed_in is not null and a.withdrawn_in is null
                        and a.subject = o.number and a.holder is not distinct from o.holder
                        and st_area(st_collectionextract(st_difference(l.geom, a.geom), 3)::geography)
                            <= lockup_value('lockup-tolerance-m2', (select lockup_projects_since()))))
    ), placed as materialized (
        select a.*, greatest(a.signed_on, l.from_on) as day, l.class, l.geom
        from asked a
        -- A parcel is often entered with a day after the contract that it was made for.
        cross join lateral (
            select v.geom, land_use_class_of(v.land_use_scheme, v.land_use) as class,
                case when a.version is not null then lower(v.valid) end as from_on
            from parcel_version v
            where v.parcel_id = a.parcel_id and upper_inf(v.recorded)
                and case when a.version is null then v.valid @> a.signed_on or lower(v.valid) > a.signed_on else v.id = a.version end
            order by lower(v.valid) nulls first limit 1) l
    ), newcomer as materialized (
        select p.* from placed p
        where not exists (select from root r where r.id = p.id and r.geom = p.geom)
            and not coalesce((
                select st_area(st_collectionextract(st_intersection(p.geom, st_union(r.geom)), 3)::geography)
                    >= st_area(p.geom::geography) * (lockup_value('tier-deciding-share', p.day) - 1e-9)
                from root r where r.id = p.id), false)
    )
    select n.number, n.parcel, n.day, n.class, p.plan_known, r.rule, r.verdict, r.finding, n.geom
    from newcomer n
    cross join lateral lockup_place(n.geom, n.day) p
    cross join lateral lockup_verdict('new-project', n.day, p.tier, p.locked, p.plan_known, false, n.class, n.class) r
$$;
comment on function lockup_newcomers(bigint[], bigint[]) is 'The contracts, of all or of those named, by which someone who did not hold the land, on record before and for at least the deciding share of it, begins a project, with its land and the rule that answers on the day of the signature; or on the land and the first day of the version of its parcel named beside it.';

create or replace function lockup_projects(among bigint[])
returns table (number text, parcel text, day date, class text, plan_known boolean, rule text, verdict text, finding text)
language sql stable
as $$
    select n.number, n.parcel, n.day, n.class, n.plan_known, n.rule, n.verdict, n.finding
    from lockup_newcomers(among, null) n
$$;

do $$
begin
    execute format('alter function lockup_claims_of_contracts() set search_path = %I, public, pg_temp', current_schema);
end
$$;
