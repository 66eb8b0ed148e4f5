-- Who holds land already. A contract makes its holder one for the land that it was signed on, and for what that land became
-- in splits and merges as far as it is at least the deciding share of it. It must have been on record before the revision of
-- the contract that goes on from it: only the revision that opens the register's contracts brings its own history.
create or replace function lockup_projects(among bigint[])
returns table (number text, parcel text, day date, class text, plan_known boolean, rule text, verdict text, finding text)
language sql stable
as $$
    with recursive asked as (
        select distinct on (c.number) c.id, c.number, c.parcel, c.holder, c.supplements, c.signed_on, c.revision, p.id as parcel_id
        from contract c join parcel p on p.code = c.parcel
        where upper_inf(c.recorded) and (among is null or c.id in (select unnest(among)))
            and c.signed_on >= (
                select min(lower(r.valid)) from lockup_rule r
                where upper_inf(r.recorded) and r.verdict <> 'allowed' and 'new-project' = any (r.deeds))
        order by c.number, c.id desc
    ), opening as (
        select min(c.revision) as revision from contract c
    ), family (id, member, is_own) as (
        select a.id, a.parcel_id, true from asked a
        union
        select f.id, l.parent, false from family f
        join lineage_link l on l.child = f.member
        join lineage_event e on e.id = l.event and e.kind in ('split', 'merge')
    ), held as materialized (
        select distinct a.id, t.number, t.parcel, t.supplements, t.valid
        from asked a
        join family f on f.id = a.id
        join parcel p on p.id = f.member
        join contract t on t.parcel = p.code
        where upper_inf(t.recorded) and t.number <> a.number
            and (t.holder = a.holder or t.holder is null and a.holder is null and a.supplements = t.number)
            and (t.signed_on < a.signed_on or t.signed_on = a.signed_on and not f.is_own)
            and t.valid && daterange(a.signed_on - 1, a.signed_on, '[]')
            and (a.revision = (select o.revision from opening o) or exists (
                select from contract e
                where e.number = t.number and e.parcel = t.parcel and e.holder is not distinct from t.holder
                    and e.signed_on <= a.signed_on and e.revision < a.revision))
    ), origin (id, number, parcel, supplements, valid) as (
        -- The contract of a lot names the one of the parcel it was split from; that of merged land goes on under its number.
        select h.id, h.number, h.parcel, h.supplements, h.valid from held h
        union
        select o.id, t.number, t.parcel, t.supplements, t.valid
        from origin o
        join contract t on t.parcel <> o.parcel and upper_inf(t.recorded)
            and (t.number = o.supplements or t.number = o.number and t.valid << o.valid)
    ), root as materialized (
        select distinct o.id, o.parcel, (
            select v.geom from parcel p join parcel_version v on v.parcel_id = p.id
            where p.code = o.parcel and upper_inf(v.recorded)
            order by v.valid @> s.signed_on desc, coalesce(lower(v.valid) > s.signed_on, false) desc, lower(v.valid) nulls first limit 1) as geom
        from origin o
        cross join lateral (
            select min(t.signed_on) as signed_on from contract t where t.parcel = o.parcel and upper_inf(t.recorded)) s
        where not exists (
            select from contract t
            where t.parcel <> o.parcel and upper_inf(t.recorded)
                and (t.number = o.supplements or t.number = o.number and t.valid << o.valid))
    ), placed as materialized (
        select a.*, l.class, l.geom
        from asked a
        -- A parcel is often entered with a day after the contract that it was made for.
        cross join lateral (
            select v.geom, land_use_class_of(v.land_use_scheme, v.land_use) as class from parcel_version v
            where v.parcel_id = a.parcel_id and upper_inf(v.recorded) and (v.valid @> a.signed_on or lower(v.valid) > a.signed_on)
            order by lower(v.valid) nulls first limit 1) l
    ), newcomer as materialized (
        select p.* from placed p
        where not exists (select from root r where r.id = p.id and r.geom = p.geom)
            and not coalesce((
                select st_area(st_collectionextract(st_intersection(p.geom, st_union(r.geom)), 3)::geography)
                    >= st_area(p.geom::geography) * (lockup_value('tier-deciding-share', p.signed_on) - 1e-9)
                from root r where r.id = p.id), false)
    )
    select n.number, n.parcel, n.signed_on, n.class, p.plan_known, r.rule, r.verdict, r.finding
    from newcomer n
    cross join lateral lockup_place(n.geom, n.signed_on) p
    cross join lateral lockup_verdict('new-project', n.signed_on, p.tier, p.locked, p.plan_known, false, n.class, n.class) r
$$;
comment on function lockup_projects(bigint[]) is 'The contracts, of all or of those named, by which someone who did not hold the land, on record before and for at least the deciding share of it, begins a project, and the rule that answers on the day of the signature.';
