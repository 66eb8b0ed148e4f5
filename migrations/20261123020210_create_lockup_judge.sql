-- What the claims of a transaction come to: land that it takes out of the first lock, and projects that the second forbids.

-- Locked land that is taken: by drawing, dating or unlocking a base differently, by another use, by bounds that leave it
-- out, by an end. Of each it says the deed, the first days and the land.
create function lockup_takings()
returns table (
    code text, deed text, day date, from_class text, to_class text, to_use text, to_use_scheme text, geom geometry
)
language sql stable
as $$
    -- A base: what of it was locked and is in no locked zone any more.
    with zone_taking as (
        select c.code, d.day, taken.geom
        from lockup_claim c
        cross join lateral lockup_days(c.valid, (
            select coalesce(array_agg(z.valid), '{}') from zone_version z where upper_inf(z.recorded) and z.geom && c.geom)) d (day)
        cross join lateral (
            select st_collectionextract(coalesce(st_difference(c.geom, st_union(z.geom)), c.geom), 3) as geom
            from zone_version z
            where upper_inf(z.recorded) and z.locked and z.valid @> d.day and z.geom && c.geom) taken
        where c.what = 'zone' and lockup_forbids('boundary-change', d.day, true, 'industrial', 'industrial')
    ),
    -- Parcels that read as before in land and use, the common case, cost no overlay.
    doubtful as materialized (
        select c.* from lockup_claim c
        where c.what = 'land' and not coalesce((
            select range_agg(v.valid) @> c.valid from parcel_version v
            where v.parcel_id = c.thing and upper_inf(v.recorded) and v.geom = c.geom
                and land_use_class_of(v.land_use_scheme, v.land_use) = c.class), false)
    ),
    at_stake as materialized (
        select c.thing, c.code, c.class, d.day, s.geom
        from doubtful c
        cross join lateral lockup_days(c.valid, (
            select coalesce(array_agg(o.valid), '{}') from (
                select v.valid from parcel_version v where upper_inf(v.recorded) and v.geom && c.geom
                union all
                select z.valid from zone_version z where upper_inf(z.recorded) and z.geom && c.geom) o)) d (day)
        cross join lateral lockup_locked(c.geom, d.day) s (geom)
        cross join lateral lockup_place(c.geom, d.day) p
        where s.geom is not null and p.locked and lockup_forbids('division', d.day, true, 'industrial', 'industrial')
    ),
    -- Whoever holds it now: a parcel of a use that may follow, and itself locked, so that no lot lies loose.
    land_taking as materialized (
        select a.*, st_collectionextract(coalesce(st_difference(a.geom, held.geom), a.geom), 3) as taken
        from at_stake a
        cross join lateral (
            select st_union(v.geom) as geom from parcel_version v
            where upper_inf(v.recorded) and v.valid @> a.day and v.geom && a.geom and st_intersects(v.geom, a.geom)
                and not lockup_forbids('change-of-use', a.day, false, a.class, land_use_class_of(v.land_use_scheme, v.land_use))
                and (select p.locked from lockup_place(v.geom, a.day) p)) held
    ),
    -- A version in another use, of land that was industrial under the lock on an earlier day, and was in no such use since.
    use_taking as (
        select c.code, s.day, land_use_class_of(e.land_use_scheme, e.land_use) as from_class, c.class as to_class, v.land_use,
            v.land_use_scheme,
            st_collectionextract(coalesce(st_difference(shared.geom, known.geom), shared.geom), 3) as geom
        from lockup_claim c
        join parcel_version v on v.id = c.thing and upper_inf(v.recorded)
        cross join lateral (select lower(v.valid) as day) s
        join parcel_version e on upper_inf(e.recorded) and e.valid << v.valid and e.geom && v.geom
        cross join lateral lockup_place(e.geom, s.day) p
        cross join lateral (
            select st_collectionextract(st_intersection(e.geom, lockup_locked(v.geom, s.day)), 3) as geom) shared
        cross join lateral (
            select st_union(o.geom) as geom from (
                select o.geom from parcel_version o
                where upper_inf(o.recorded) and o.id <> v.id and o.valid && daterange(upper(e.valid), s.day) and o.geom && v.geom
                    and not lockup_forbids('change-of-use', s.day, false, land_use_class_of(o.land_use_scheme, o.land_use), c.class)
                    and land_use_class_of(o.land_use_scheme, o.land_use) <> 'industrial'
                union all
                select w.geom from lockup_claim w
                where w.what = 'was' and w.valid @> s.day and w.geom && v.geom
                    and not lockup_forbids('change-of-use', s.day, false, w.class, c.class)) o) known
        where c.what = 'use' and p.locked
            and lockup_forbids('change-of-use', s.day, false, land_use_class_of(e.land_use_scheme, e.land_use), c.class)
            and lockup_forbids('change-of-use', upper(e.valid) - 1, false, land_use_class_of(e.land_use_scheme, e.land_use), c.class)
    ),
    taking as (
        select t.code, 'boundary-change' as deed, t.day, 'industrial' as from_class, 'industrial' as to_class,
            null as to_use, null as to_use_scheme, t.geom
        from zone_taking t
        union all
        select t.code, case when u.land_use is null then 'division' else 'change-of-use' end, t.day, t.class,
            coalesce(u.class, t.class), u.land_use, u.land_use_scheme, t.taken
        from land_taking t
        left join lateral (
            select v.land_use, v.land_use_scheme, k.class
            from parcel_version v cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
            where upper_inf(v.recorded) and v.valid @> t.day and v.geom && t.taken
                and lockup_forbids('change-of-use', t.day, false, t.class, k.class)
                and st_area(st_collectionextract(st_intersection(v.geom, t.taken), 3)::geography)
                    > lockup_value('lockup-tolerance-m2', t.day)
            order by v.parcel_id = t.thing desc, v.id limit 1) u on true
        union all
        select t.code, 'change-of-use', t.day, t.from_class, t.to_class, t.land_use, t.land_use_scheme, t.geom from use_taking t
    )
    select t.* from taking t
    where st_area(t.geom::geography) > lockup_value('lockup-tolerance-m2', t.day)
$$;
comment on function lockup_takings() is 'Locked land that the transaction under way takes, by the claims on it and what stands now.';

-- New projects among contracts, with the rule that answers each: of contracts that were signed before any rule of the
-- second lock nothing is said, nor of a further contract with whoever held the land, or the parcel it came from, till then.
create function lockup_projects(among bigint[])
returns table (number text, parcel text, day date, class text, plan_known boolean, rule text, verdict text, finding text)
language sql stable
as $$
    with recursive asked as (
        select distinct on (c.number) c.id, c.number, c.parcel, c.holder, c.supplements, c.signed_on, p.id as parcel_id
        from contract c join parcel p on p.code = c.parcel
        where upper_inf(c.recorded) and (among is null or c.id = any (among))
            and c.signed_on >= (
                select min(lower(r.valid)) from lockup_rule r
                where upper_inf(r.recorded) and r.verdict <> 'allowed' and 'new-project' = any (r.deeds))
        order by c.number, c.id desc
    ), family (id, member, is_own) as (
        select a.id, a.parcel_id, true from asked a
        union
        select f.id, l.parent, false from family f
        join lineage_link l on l.child = f.member
        join lineage_event e on e.id = l.event and e.kind in ('split', 'merge')
    ), newcomer as materialized (
        select a.* from asked a
        where not exists (
            select from family f join parcel p on p.id = f.member join contract t on t.parcel = p.code
            where f.id = a.id and upper_inf(t.recorded) and t.number <> a.number
                and (t.holder = a.holder or t.holder is null and a.holder is null and a.supplements = t.number)
                and (t.signed_on < a.signed_on or t.signed_on = a.signed_on and not f.is_own)
                and t.valid && daterange(a.signed_on - 1, a.signed_on, '[]'))
    )
    select n.number, n.parcel, n.signed_on, l.class, p.plan_known, r.rule, r.verdict, r.finding
    from newcomer n
    -- A parcel is often entered with a day after the contract that it was made for.
    cross join lateral (
        select v.geom, land_use_class_of(v.land_use_scheme, v.land_use) as class from parcel_version v
        where v.parcel_id = n.parcel_id and upper_inf(v.recorded) and (v.valid @> n.signed_on or lower(v.valid) > n.signed_on)
        order by lower(v.valid) nulls first limit 1) l
    cross join lateral lockup_place(l.geom, n.signed_on) p
    cross join lateral lockup_verdict('new-project', n.signed_on, p.tier, p.locked, p.plan_known, false, l.class, l.class) r
$$;
comment on function lockup_projects(bigint[]) is 'The contracts, of all or of those named, by which someone who did not hold the land begins a project, and the rule that answers on the day of the signature.';

-- Land that comes out of another use: what lay on it last, of this parcel or another, however long ago, was in one; and the
-- parcel was not believed to be industrial on the day before this transaction. A version that is law from the start of the
-- register begins nothing.
create function lockup_became()
returns table (code text, day date, class text, land_use text, geom geometry)
language sql stable
as $$
    with written as materialized (
        select v.id, p.code, v.parcel_id, lower(v.valid) as day, land_use_class_of(v.land_use_scheme, v.land_use) as class,
            v.land_use, v.valid, v.geom
        from parcel_version v join parcel p on p.id = v.parcel_id
        where upper_inf(v.recorded) and not lower_inf(v.valid)
            and v.id in (select c.thing from lockup_claim c where c.what = 'becomes')
            and not exists (select from lockup_claim h where h.what = 'had' and h.thing = v.parcel_id and h.valid @> lower(v.valid))
    )
    select w.code, w.day, w.class, w.land_use, w.geom
    from written w
    cross join lateral (
        select e.land_use_scheme, e.land_use
        from parcel_version e
        cross join lateral st_area(st_collectionextract(st_intersection(e.geom, w.geom), 3)::geography) shared (m2)
        where upper_inf(e.recorded) and e.valid << w.valid and e.geom && w.geom
            and shared.m2 > lockup_value('lockup-tolerance-m2', w.day)
        order by upper(e.valid) desc, shared.m2 desc, e.id limit 1) before
    where w.class <> 'other' and land_use_class_of(before.land_use_scheme, before.land_use) = 'other'
$$;
comment on function lockup_became() is 'Versions of parcels in the transaction under way by which land of another use becomes industrial.';

-- Judges the claims of the transaction under way. Answers what is refused, and leaves the claims where there is anything;
-- else uses up the approvals that cover what was taken, and the claims are answered for.
create function lockup_judge()
returns table (
    code text, deed text, day date, rule text, verdict text, finding text, to_use text, area_m2 double precision,
    remedy text, citation text, facts text
)
language plpgsql security definer
as $$
#variable_conflict use_column
declare
    it record;
    approval bigint;
    using_up bigint[] := '{}';
    taken geometry[] := '{}';
    is_clean boolean := true;
begin
    if not exists (select from lockup_claim) then
        return;
    end if;
    for it in
        select t.code, t.deed, t.day, t.to_use, t.to_use_scheme, t.geom, st_area(t.geom::geography) as area_m2, r.rule,
            r.verdict, r.finding, r.remedy_en, r.citation
        from lockup_takings() t
        cross join lateral lockup_verdict(t.deed, t.day, 'base', true, true, t.deed <> 'change-of-use', t.from_class, t.to_class) r
        order by t.day, t.code
    loop
        approval := null;
        if it.verdict = 'needs-special-approval' then
            -- It lets no more be taken than it was measured to, whatever was locked since, and its compensating land makes up
            -- for that by the rule of the day on which it is taken.
            select a.id into approval from special_approval a
            cross join lateral (
                select st_area(st_union(n.geom)::geography) as m2 from (
                    select it.geom union all select u.geom from unnest(using_up, taken) u (id, geom) where u.id = a.id) n) total
            where a.confirmed_in is not null and a.withdrawn_in is null and a.used_in is null and a.deed = it.deed
                and a.decided_on <= it.day
                and (it.deed <> 'change-of-use' or a.to_use = it.to_use and a.to_use_scheme = it.to_use_scheme)
                and a.geom && it.geom
                and st_area(st_collectionextract(st_difference(it.geom, a.geom), 3)::geography)
                    <= lockup_value('lockup-tolerance-m2', it.day)
                and total.m2 <= a.area_m2 + lockup_value('lockup-tolerance-m2', it.day)
                and total.m2 * coalesce(lockup_value('lockup-compensation-share', it.day), 0)
                    <= a.compensation_m2 + lockup_value('lockup-tolerance-m2', it.day)
            order by a.id limit 1 for update of a;
        end if;
        if approval is not null then
            using_up := using_up || approval;
            taken := array_append(taken, it.geom);
            continue;
        end if;
        is_clean := false;
        code := it.code; deed := it.deed; day := it.day; rule := it.rule; verdict := it.verdict; finding := it.finding;
        to_use := it.to_use; area_m2 := it.area_m2; remedy := it.remedy_en; citation := it.citation;
        facts := format('%s m² of locked land from %s%s, at %s', round(it.area_m2::numeric, 1), it.day,
            coalesce(' to ' || it.to_use, ''), st_astext(st_pointonsurface(it.geom), 6));
        return next;
    end loop;
    for it in
        select p.number as code, 'new-project' as deed, p.day, r.*,
            format('signed %s on %s of class %s', p.day, p.parcel, p.class) as facts
        from lockup_projects((select array_agg(c.thing) from lockup_claim c where c.what = 'contract')) p
        join lockup_rule r on r.rule = p.rule and upper_inf(r.recorded) and r.valid @> p.day
        where exists (select from lockup_claim c where c.what = 'contract') and r.verdict <> 'allowed'
        union all
        select b.code, 'change-of-use', b.day, r.*,
            format('%s from %s on %s land, another use before', b.land_use, b.day, p.tier)
        from lockup_became() b
        cross join lateral lockup_place(b.geom, b.day) p
        cross join lateral lockup_verdict('change-of-use', b.day, p.tier, p.locked, p.plan_known, false, 'other', b.class) r
        where r.verdict <> 'allowed'
        order by 1, 3
    loop
        is_clean := false;
        code := it.code; deed := it.deed; day := it.day; rule := it.rule; verdict := it.verdict; finding := it.finding;
        to_use := null; area_m2 := null; remedy := it.remedy_en; citation := it.citation; facts := it.facts;
        return next;
    end loop;
    if is_clean then
        update special_approval a set used_in = (select h.id from revision_head h) where a.id = any (using_up);
        delete from lockup_claim;
    end if;
end
$$;
comment on function lockup_judge() is 'Judges what the transaction under way has to answer for; answers what is refused. A special approval that covers what was taken is used up.';

create function lockup_holds() returns trigger language plpgsql security definer as $$
declare
    it record;
begin
    select * into it from lockup_judge() limit 1;
    if found then
        raise exception using errcode = 'check_violation', constraint = 'lockup', table = 'lockup_claim',
            message = format('%s: %s of %s (%s): %s', it.finding, it.deed, it.code, it.rule, it.facts), hint = it.remedy;
    end if;
    return null;
end
$$;
comment on function lockup_holds() is 'Refuses a transaction that breaks one of the two locks.';
create constraint trigger lockup_holds after insert on lockup_claim
    deferrable initially deferred for each row when (new.asks) execute function lockup_holds();

-- Claims are written by the functions below and struck by the judgement, and by nobody else, whose tables they may be.
create function lockup_claim_stays() returns trigger language plpgsql as $$
declare
    asked_by text;
begin
    get diagnostics asked_by = pg_context;
    if asked_by !~ '(^|\n)PL/pgSQL function lockup_judge\(\)' then
        raise exception using errcode = 'check_violation', constraint = 'lockup_claim_stays',
            message = 'what a transaction has to answer for is struck by the judgement alone';
    end if;
    return null;
end
$$;
comment on function lockup_claim_stays() is 'Refuses to let anyone else strike a claim.';
create trigger lockup_claim_stays before update or delete or truncate on lockup_claim
    for each statement execute function lockup_claim_stays();

-- Zones: of what was believed and locked, something may be taken.
create function lockup_claims_of_zones() returns trigger language plpgsql security definer as $$
begin
    -- Writers queue here, as everywhere: what another takes is seen before it is judged what this one takes.
    perform from revision_head for update;
    insert into lockup_claim (what, thing, code, valid, geom, asks)
    select 'zone', o.id, o.code, o.valid, o.geom, row_number() over () = 1 from gone o where upper_inf(o.recorded) and o.locked;
    return null;
end
$$;
comment on function lockup_claims_of_zones() is 'Notes the locked zones that a statement changes or strikes.';
create trigger zone_version_lockup_update after update on zone_version
    referencing old table as gone for each statement execute function lockup_claims_of_zones();
create trigger zone_version_lockup_delete after delete on zone_version
    referencing old table as gone for each statement execute function lockup_claims_of_zones();

-- Parcels: of what was believed in a protected use under a lock, something may be taken.
create function lockup_claims_of_parcels() returns trigger language plpgsql security definer as $$
begin
    perform from revision_head for update;
    insert into lockup_claim (what, thing, code, class, valid, geom, asks)
    select case when k.class = 'other' then 'was' else side.what end, o.parcel_id, p.code, k.class, o.valid, o.geom,
        row_number() over () = 1
    from gone o
    join parcel p on p.id = o.parcel_id
    cross join lateral (select land_use_class_of(o.land_use_scheme, o.land_use) as class) k
    cross join lateral (
        select 'land' as what union all select 'was' where k.class not in ('industrial', 'other')) side
    where upper_inf(o.recorded)
        -- What this transaction itself wrote was not believed before it.
        and (k.class = 'industrial' or side.what = 'land' and k.class <> 'other'
            or not exists (select from lockup_claim c where c.what = 'use' and c.thing = o.id))
        and exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.geom && o.geom and st_intersects(z.geom, o.geom));
    insert into lockup_claim (what, thing, valid, asks)
    select 'had', o.parcel_id, o.valid, false
    from gone o
    where upper_inf(o.recorded) and land_use_class_of(o.land_use_scheme, o.land_use) <> 'other'
        and not exists (select from lockup_claim c where c.what = 'becomes' and c.thing = o.id);
    return null;
end
$$;
comment on function lockup_claims_of_parcels() is 'Notes the parcels on locked land that a statement changes or strikes.';
create trigger parcel_version_lockup_update after update on parcel_version
    referencing old table as gone for each statement execute function lockup_claims_of_parcels();
create trigger parcel_version_lockup_delete after delete on parcel_version
    referencing old table as gone for each statement execute function lockup_claims_of_parcels();

-- Parcels: what begins in another use on locked land, or may become industrial; of that, what was there before is asked when
-- all is written.
create function lockup_claims_of_uses() returns trigger language plpgsql security definer as $$
begin
    insert into lockup_claim (what, thing, code, class, valid, asks)
    select c.what, c.id, p.code, c.class, c.valid, row_number() over () = 1
    from (
        select 'use' as what, v.id, v.parcel_id, k.class, v.valid
        from written v cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
        where upper_inf(v.recorded) and not lower_inf(v.valid) and k.class <> 'industrial'
            and exists (select from zone_version z where upper_inf(z.recorded) and z.locked and z.geom && v.geom and st_intersects(z.geom, v.geom))
        union all
        select 'becomes', v.id, v.parcel_id, k.class, v.valid
        from written v cross join lateral (select land_use_class_of(v.land_use_scheme, v.land_use) as class) k
        where upper_inf(v.recorded) and k.class <> 'other'
    ) c
    join parcel p on p.id = c.parcel_id;
    return null;
end
$$;
comment on function lockup_claims_of_uses() is 'Notes the versions of parcels by which land may come to another use, or become industrial.';
create trigger parcel_version_lockup_use_insert after insert on parcel_version
    referencing new table as written for each statement execute function lockup_claims_of_uses();
create trigger parcel_version_lockup_use_update after update on parcel_version
    referencing new table as written for each statement execute function lockup_claims_of_uses();

-- Contracts: one that is new in parcel, holder or day of signature may begin a project. A later word on the same is none,
-- if what it replaces was believed before this transaction.
create function lockup_contracts_believed() returns trigger language plpgsql security definer as $$
begin
    perform from revision_head for update;
    insert into lockup_claim (what, thing, code, said, asks)
    select 'signed', o.id, o.number, jsonb_build_array(o.parcel, o.signed_on, o.holder)::text, false
    from gone o
    where upper_inf(o.recorded) and not exists (select from lockup_claim c where c.what = 'contract' and c.thing = o.id);
    return null;
end
$$;
comment on function lockup_contracts_believed() is 'Notes the contracts that were believed before the transaction replaced them.';
create trigger contract_lockup_believed after update on contract
    referencing old table as gone for each statement execute function lockup_contracts_believed();

create function lockup_claims_of_contracts() returns trigger language plpgsql security definer as $$
begin
    insert into lockup_claim (what, thing, code, asks)
    select 'contract', c.id, c.number, row_number() over () = 1
    from written c
    where upper_inf(c.recorded)
        and c.signed_on >= (
            select min(lower(r.valid)) from lockup_rule r
            where upper_inf(r.recorded) and r.verdict <> 'allowed' and 'new-project' = any (r.deeds))
        and not exists (
            select from lockup_claim o
            where o.what = 'signed' and o.code = c.number
                and o.said = jsonb_build_array(c.parcel, c.signed_on, c.holder)::text);
    return null;
end
$$;
comment on function lockup_claims_of_contracts() is 'Notes the contracts by which a project may begin.';
create trigger contract_lockup_insert after insert on contract
    referencing new table as written for each statement execute function lockup_claims_of_contracts();
create trigger contract_lockup_update after update on contract
    referencing new table as written for each statement execute function lockup_claims_of_contracts();

-- An approval says what it was measured to say, stays as it was written, and each act on it is that of its revision's actor.
create function special_approval_measures(land geometry, compensation geometry, day date)
returns table (area_m2 double precision, compensation_m2 double precision, required_m2 double precision)
language sql stable
as $$
    select t.m2,
        -- Land that is locked already, is taken itself, or makes up for other land, makes up for nothing.
        coalesce(st_area(st_difference(compensation, (
            select st_union(n.geom) from (
                select land as geom
                union all select lockup_locked(compensation, day)
                union all
                select a.compensation from special_approval a
                where a.withdrawn_in is null and a.compensation && $2) n))::geography), 0),
        t.m2 * coalesce(lockup_value('lockup-compensation-share', day), 0)
    from (select coalesce(st_area(lockup_locked(land, day)::geography), 0) as m2) t
$$;
comment on function special_approval_measures(geometry, geometry, date) is 'The locked land within the land of an approval, its compensating land that was not locked before and that no approval that stands counts, and what of it the rulebook asks for, m2.';
create function special_approval_measured() returns trigger language plpgsql security definer as $$
begin
    -- Of two proposals at once the second sees the compensating land of the first.
    perform from revision_head for update;
    select m.area_m2, m.compensation_m2, m.required_m2 into new.area_m2, new.compensation_m2, new.required_m2
    from special_approval_measures(new.geom, new.compensation, new.decided_on) m;
    return new;
end
$$;
comment on function special_approval_measured() is 'Measures the locked land and the compensating land of a new approval.';
create trigger special_approval_measured before insert on special_approval
    for each row execute function special_approval_measured();

create function special_approval_stays() returns trigger language plpgsql as $$
declare
    wrong text;
begin
    if tg_op = 'INSERT' then
        wrong := case
            when new.confirmed_in is not null or new.withdrawn_in is not null or new.used_in is not null
                then 'an approval begins as a proposal'
            when not exists (select from revision r where r.id = new.proposed_in and r.actor = new.proposed_by)
                then 'it is proposed by the actor of its revision' end;
    elsif tg_op = 'UPDATE' then
        wrong := case
            when (to_jsonb(old) - array['confirmed_by', 'confirmed_in', 'withdrawn_by', 'withdrawn_in', 'used_in'])
                <> (to_jsonb(new) - array['confirmed_by', 'confirmed_in', 'withdrawn_by', 'withdrawn_in', 'used_in'])
                or old.confirmed_in is not null and (old.confirmed_by, old.confirmed_in) is distinct from (new.confirmed_by, new.confirmed_in)
                or old.withdrawn_in is not null and (old.withdrawn_by, old.withdrawn_in) is distinct from (new.withdrawn_by, new.withdrawn_in)
                or old.used_in is not null and old.used_in is distinct from new.used_in
                then 'an approval keeps what was written'
            when old.confirmed_in is null and new.confirmed_in is not null
                and not exists (select from revision r where r.id = new.confirmed_in and r.actor = new.confirmed_by)
                or old.withdrawn_in is null and new.withdrawn_in is not null
                and not exists (select from revision r where r.id = new.withdrawn_in and r.actor = new.withdrawn_by)
                then 'each act is that of the actor of its revision'
            when old.withdrawn_in is not null or old.used_in is not null then 'a withdrawn or used approval is at its end' end;
    else
        wrong := 'an approval stays on record';
    end if;
    if wrong is not null then
        raise exception using errcode = 'check_violation', constraint = 'special_approval_stays', message = wrong;
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
comment on function special_approval_stays() is 'Refuses an approval that no one proposed, changes to what was written, and acts of others than the actor.';
create trigger special_approval_stays before insert or update or delete on special_approval
    for each row execute function special_approval_stays();

-- A table that is emptied tells no trigger of its rows.
create function lockup_not_emptied() returns trigger language plpgsql as $$
declare
    has_rows boolean;
begin
    execute format('select exists (select from %s)', tg_relid::regclass) into has_rows;
    if has_rows then
        raise exception using errcode = 'check_violation', constraint = 'lockup',
            message = format('%s is not emptied: what the two locks hold is struck row by row', tg_table_name);
    end if;
    return null;
end
$$;
comment on function lockup_not_emptied() is 'Refuses to empty a table of rows that the locks hold.';
create trigger zone_version_not_emptied before truncate on zone_version for each statement execute function lockup_not_emptied();
create trigger parcel_version_not_emptied before truncate on parcel_version for each statement execute function lockup_not_emptied();
create trigger contract_not_emptied before truncate on contract for each statement execute function lockup_not_emptied();
create trigger special_approval_not_emptied before truncate on special_approval for each statement execute function lockup_not_emptied();

-- What is done with the rights of the owner looks nowhere but here; least of all among the caller's temporary tables.
do $$
declare
    name text;
begin
    foreach name in array array['lockup_judge()', 'lockup_holds()', 'lockup_claims_of_zones()', 'lockup_claims_of_parcels()',
        'lockup_claims_of_uses()', 'lockup_contracts_believed()', 'lockup_claims_of_contracts()', 'special_approval_measured()'] loop
        execute format('alter function %s set search_path = %I, public, pg_temp', name, current_schema);
    end loop;
end
$$;
