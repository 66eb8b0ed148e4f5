-- What a new survey may differ by is let go once, not with every survey: what was let go of a base or parcel is kept and counts
-- with what comes after.
create table lockup_let_go (
    id bigint generated always as identity primary key,
    code text not null,
    geom geometry(MultiPolygon, 4490) not null,
    area_m2 double precision not null check (area_m2 > 0),
    revision bigint not null references revision
);
comment on table lockup_let_go is 'Locked land that was let go without a word, because it was less than a new survey may differ by.';
comment on column lockup_let_go.id is 'Row number, of no meaning outside.';
comment on column lockup_let_go.code is 'Code of the zone or parcel that it was part of.';
comment on column lockup_let_go.geom is 'The land.';
comment on column lockup_let_go.area_m2 is 'Its area, geodesic, m2.';
comment on column lockup_let_go.revision is 'The newest revision when it was let go.';
create index lockup_let_go_code on lockup_let_go (code);
create index lockup_let_go_geom on lockup_let_go using gist (geom);
create trigger lockup_let_go_is_kept before insert or update or delete or truncate on lockup_let_go
    for each statement execute function lockup_is_kept();

-- Below a square decimetre the arithmetic of borders speaks, not a border.
create or replace function lockup_takings()
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
    select t.* from taking t where st_area(t.geom::geography) > 0.01
$$;

create or replace function lockup_judge()
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
    loose text[] := '{}';
    let_go geometry[] := '{}';
    so_far double precision;
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
        -- What was let go before of the same base or parcel, or of land that touches this, counts together with it.
        so_far := st_area((
            select st_union(n.geom) from (
                select it.geom
                union all
                select g.geom from lockup_let_go g where g.code = it.code or g.geom && it.geom and st_intersects(g.geom, it.geom)
                union all
                select u.geom from unnest(loose, let_go) u (code, geom) where u.code = it.code or st_intersects(u.geom, it.geom)) n
            )::geography);
        if so_far <= lockup_value('lockup-tolerance-m2', it.day) then
            loose := loose || it.code;
            let_go := array_append(let_go, it.geom);
            continue;
        end if;
        approval := null;
        if it.verdict = 'needs-special-approval' then
            -- It lets no more be taken than it was measured to, whatever was locked since, and its compensating land makes up
            -- for that by the rule of the day on which it is taken: on that day it is locked itself.
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
                and total.m2 * coalesce(lockup_value('lockup-compensation-share', it.day)
                        * lockup_value('lockup-compensation-locked-share', it.day), 0)
                    <= coalesce(st_area(lockup_locked(a.compensation, it.day)::geography), 0)
                        + lockup_value('lockup-tolerance-m2', it.day)
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
        facts := format('%s m² of locked land from %s%s%s, at %s', round(it.area_m2::numeric, 1), it.day,
            coalesce(' to ' || it.to_use, ''),
            case when so_far > it.area_m2 + 0.05 then format(', %s m² with what was let go before', round(so_far::numeric, 1)) else '' end,
            st_astext(st_pointonsurface(it.geom), 6));
        return next;
    end loop;
    for it in
        select p.number as code, 'new-project' as deed, p.day, r.*,
            format('signed %s on %s of class %s', p.day, p.parcel, p.class) as facts
        from lockup_projects((select array_agg(c.thing) from lockup_claim c where c.what = 'contract')) p
        join lockup_rule r on r.rule = p.rule and upper_inf(r.recorded) and r.valid @> p.day
        where exists (select from lockup_claim c where c.what = 'contract') and r.verdict <> 'allowed'
        union all
        select p.parcel, 'new-project', p.day, r.*,
            format('contract %s of class %s on land that its parcel moves to from %s', p.number, p.class, p.day)
        from (select array_agg(m.contract) as contracts, array_agg(m.version) as versions from lockup_moved() m) m
        cross join lateral lockup_newcomers(m.contracts, m.versions) p
        join lockup_rule r on r.rule = p.rule and upper_inf(r.recorded) and r.valid @> p.day
        where m.contracts is not null and r.verdict <> 'allowed'
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
        insert into lockup_let_go (code, geom, area_m2, revision)
        select g.code, st_multi(g.geom), st_area(g.geom::geography), (select h.id from revision_head h)
        from (
            select l.code, st_collectionextract(st_union(l.geom), 3) as geom
            from unnest(loose, let_go) l (code, geom) group by l.code) g;
        delete from lockup_claim;
    end if;
end
$$;

do $$
begin
    execute format('alter function lockup_judge() set search_path = %I, public, pg_temp', current_schema);
end
$$;
