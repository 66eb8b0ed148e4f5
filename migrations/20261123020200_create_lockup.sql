-- The two locks (双锁定), held against every writer. The rules come with the program as data and are recorded here, so that
-- the database judges by the same rows, classes of use and days as the program. What a statement takes away or adds is
-- noted as a claim; at the end of the transaction all claims are judged on what then stands. So land may change hands
-- between parcels within one transaction, and rows may come in any order.

create table lockup_rule (
    id bigint generated always as identity primary key,
    place integer not null,
    rule text not null,
    version text not null,
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    deeds text[] not null,
    tiers text[] not null,
    from_classes text[] not null,
    to_classes text[] not null,
    locked boolean,
    plan_known boolean,
    frees boolean,
    changes boolean,
    verdict text not null check (verdict in ('allowed', 'needs-special-approval', 'forbidden')),
    finding text,
    title_zh text not null,
    title_en text not null,
    remedy_zh text not null,
    remedy_en text not null,
    citation text not null check (citation <> ''),
    assumption boolean not null,
    revision bigint not null references revision,
    constraint lockup_rule_overlap exclude using gist (rule with =, valid with &&, recorded with &&)
);
comment on table lockup_rule is 'The rules of the two locks in two times; the first that fits answers. They come with the program; a new version is recorded with the first act that reckons with it.';
comment on column lockup_rule.id is 'Row number, of no meaning outside.';
comment on column lockup_rule.place is 'Its place in the order.';
comment on column lockup_rule.rule is 'Its name, the same in all its versions.';
comment on column lockup_rule.version is 'Version of the table it came with.';
comment on column lockup_rule.valid is 'Days on which it is in force.';
comment on column lockup_rule.recorded is 'Times at which this was what the register reckoned with.';
comment on column lockup_rule.deeds is 'Deeds it answers; none named means all.';
comment on column lockup_rule.tiers is 'Tiers it answers for; none named means all.';
comment on column lockup_rule.from_classes is 'Classes of use before; none named means all.';
comment on column lockup_rule.to_classes is 'Classes of use after; none named means all.';
comment on column lockup_rule.locked is 'Whether locked land must be touched; null asks nothing.';
comment on column lockup_rule.plan_known is 'Whether a zone must be law on the day; null asks nothing.';
comment on column lockup_rule.frees is 'Whether locked land must come out of the lock; null asks nothing.';
comment on column lockup_rule.changes is 'Whether the class of use must become another; null asks nothing.';
comment on column lockup_rule.verdict is 'allowed 准许, needs-special-approval 须专项批准, forbidden 不准.';
comment on column lockup_rule.finding is 'Code of the finding that says so.';
comment on column lockup_rule.title_zh is 'What it says, in Chinese.';
comment on column lockup_rule.title_en is 'What it says, in English.';
comment on column lockup_rule.remedy_zh is 'What would help, in Chinese.';
comment on column lockup_rule.remedy_en is 'What would help, in English.';
comment on column lockup_rule.citation is 'The text it was read in, or why it is an assumption.';
comment on column lockup_rule.assumption is 'Whether it is landcycle''s own proposal rather than a rule that was read.';
comment on column lockup_rule.revision is 'The revision that wrote this version.';

create table land_use_class (
    scheme text not null,
    code text not null,
    class text not null check (class in ('industrial', 'research', 'storage')),
    primary key (scheme, code)
);
comment on table land_use_class is 'Classes of use by scheme and code, as the program that wrote last has them. A code that fits none is another use.';
comment on column land_use_class.scheme is 'Scheme of the code.';
comment on column land_use_class.code is 'The code; one of two characters or more stands for its finer ones too.';
comment on column land_use_class.class is 'industrial 工业, research 研发, storage 仓储.';

-- An actor is a person behind a way in, as cli:li or demo:li: the same person by another way is no second one.
create function person(actor text) returns text language sql immutable parallel safe
as $$ select regexp_replace(actor, '^[a-z]+:', '') $$;
comment on function person(text) is 'The person of an actor, without the way in.';

create table special_approval (
    id bigint generated always as identity primary key,
    deed text not null check (deed in ('change-of-use', 'division', 'boundary-change')),
    subject text not null check (subject <> ''),
    to_use text,
    to_use_scheme text,
    ground text not null check (ground <> ''),
    document text not null check (document <> ''),
    decided_on date not null,
    geom geometry(MultiPolygon, 4490) not null,
    area_m2 double precision not null check (area_m2 > 0),
    compensation geometry(MultiPolygon, 4490),
    compensation_m2 double precision not null default 0 check (compensation_m2 >= 0),
    required_m2 double precision not null check (required_m2 >= 0),
    proposed_by text not null,
    proposed_in bigint not null references revision,
    confirmed_by text,
    confirmed_in bigint references revision,
    withdrawn_by text,
    withdrawn_in bigint references revision,
    used_in bigint references revision,
    constraint special_approval_officers check (confirmed_by is null or person(confirmed_by) <> person(proposed_by)),
    constraint special_approval_acts check (confirmed_in is null or confirmed_in > proposed_in),
    constraint special_approval_confirmed check ((confirmed_by is null) = (confirmed_in is null)),
    constraint special_approval_withdrawn check ((withdrawn_by is null) = (withdrawn_in is null)),
    constraint special_approval_used check (used_in is null or confirmed_in is not null and withdrawn_in is null),
    constraint special_approval_use check ((to_use is null) = (to_use_scheme is null) and (to_use is not null) = (deed = 'change-of-use')),
    constraint special_approval_compensation check (compensation_m2 >= required_m2)
);
comment on table special_approval is 'Special approvals (专项批准) that let locked land be taken: proposed by one officer, confirmed by another, used once.';
comment on column special_approval.id is 'Number of the approval.';
comment on column special_approval.deed is 'change-of-use 改变用途, division 分割合并调整注销, boundary-change 基地边界调整.';
comment on column special_approval.subject is 'Code of the parcel or zone, or words for an area.';
comment on column special_approval.to_use is 'The use that is approved, for a change of use.';
comment on column special_approval.to_use_scheme is 'Scheme of that use.';
comment on column special_approval.ground is 'Why.';
comment on column special_approval.document is 'The document that says so.';
comment on column special_approval.decided_on is 'Day of the document; land may be taken from this day on.';
comment on column special_approval.geom is 'The land it is about.';
comment on column special_approval.area_m2 is 'Locked land within it that it lets be taken, geodesic, m2.';
comment on column special_approval.compensation is 'The compensating land (补划土地).';
comment on column special_approval.compensation_m2 is 'Compensating land that was not locked before, is not taken itself and makes up for no other approval, geodesic, m2.';
comment on column special_approval.required_m2 is 'Compensating land that the rulebook asked for, m2.';
comment on column special_approval.proposed_by is 'Who proposed it.';
comment on column special_approval.proposed_in is 'The revision that proposed it.';
comment on column special_approval.confirmed_by is 'Who confirmed it: another person.';
comment on column special_approval.confirmed_in is 'The revision that confirmed it.';
comment on column special_approval.withdrawn_by is 'Who withdrew it.';
comment on column special_approval.withdrawn_in is 'The revision that withdrew it.';
comment on column special_approval.used_in is 'The revision that took land by it; it serves no other.';

create table lockup_claim (
    id bigint generated always as identity primary key,
    what text not null check (what in ('zone', 'land', 'was', 'had', 'use', 'becomes', 'signed', 'contract')),
    thing bigint not null,
    code text,
    class text,
    said text,
    valid daterange,
    geom geometry(MultiPolygon, 4490),
    asks boolean not null
);
comment on table lockup_claim is 'What the transaction under way has to answer for; empty between transactions.';
comment on column lockup_claim.id is 'Row number, of no meaning outside.';
comment on column lockup_claim.what is 'zone: locked land of a base that was believed; land: a parcel in a protected use that was believed; was: one in another use; had: one in no other use; use: a version in another use; becomes: a version in no other use; signed: a contract that was believed; contract: a contract.';
comment on column lockup_claim.thing is 'Row number of the parcel for land, was and had, of the version or contract otherwise.';
comment on column lockup_claim.code is 'Code of the zone or parcel, number of the contract.';
comment on column lockup_claim.class is 'Class of its use.';
comment on column lockup_claim.said is 'Parcel, day of signature and holder of a contract, by which a later word on the same is known.';
comment on column lockup_claim.valid is 'Days on which it was, or is, law.';
comment on column lockup_claim.geom is 'Its land.';
comment on column lockup_claim.asks is 'Whether this row asks for judgement at the end; one of a statement does.';

-- The class of a use. The rule is that of data/land_use.toml: of a code of one character no finer ones are taken.
create function land_use_class_of(scheme text, code text) returns text
language sql stable parallel safe
as $$
    select coalesce((
        select c.class from land_use_class c
        where c.scheme = $1 and ($2 = c.code
            or length(c.code) > 1 and starts_with($2, c.code) and substr($2, length(c.code) + 1) ~ '^[0-9]+$')
        limit 1), 'other')
$$;
comment on function land_use_class_of(text, text) is 'The class of a use code in its scheme: industrial, research, storage or other.';

-- The first rule that answers on a day. No row before rules were recorded, and before the first day of any.
create function lockup_verdict(
    deed text, day date, tier text, locked boolean, plan_known boolean, frees boolean, from_class text, to_class text
)
returns setof lockup_rule
language sql stable parallel safe
as $$
    select r.* from lockup_rule r
    where upper_inf(r.recorded) and r.valid @> $2
        and (r.deeds = '{}' or $1 = any (r.deeds)) and (r.tiers = '{}' or $3 = any (r.tiers))
        and (r.from_classes = '{}' or $7 = any (r.from_classes)) and (r.to_classes = '{}' or $8 = any (r.to_classes))
        and (r.locked is null or r.locked = $4) and (r.plan_known is null or r.plan_known = $5)
        and (r.frees is null or r.frees = $6) and (r.changes is null or r.changes = ($7 <> $8))
    order by r.place limit 1
$$;
comment on function lockup_verdict(text, date, text, boolean, boolean, boolean, text, text) is 'The rule of the two locks that answers a situation on a day: what the program''s own table answers.';

create function lockup_value(asked text, day date) returns double precision
language sql stable parallel safe
as $$
    select v.value from rule_value v where v.key = asked and upper_inf(v.recorded) and v.valid @> day
$$;
comment on function lockup_value(text, date) is 'A rule value on a day, as the register reckons now.';

-- What of a shape lies in locked zones on a day; null where nothing does.
create function lockup_locked(shape geometry, day date) returns geometry
language sql stable parallel safe
as $$
    select case when bool_or(st_coveredby(shape, z.geom)) then shape
        else st_collectionextract(st_intersection(shape, st_union(z.geom)), 3) end
    from zone_version z
    where upper_inf(z.recorded) and z.locked and z.valid @> day and z.geom && shape and st_intersects(z.geom, shape)
$$;
comment on function lockup_locked(geometry, date) is 'The part of a shape that lies in zones locked on the day; null where there is none.';

-- Where a shape stands on a day: the tier and the lock that decide, as for parcels in parcel_tier_at; shares that differ by
-- less than a billionth are the same here too.
create function lockup_place(shape geometry, day date)
returns table (tier text, locked boolean, plan_known boolean)
language sql stable parallel safe
as $$
    with piece as (
        select z.tier, z.locked, case when not st_coveredby(shape, z.geom)
            then st_collectionextract(st_intersection(shape, z.geom), 3) end as part
        from zone_version z
        where upper_inf(z.recorded) and z.valid @> day and st_intersects(shape, z.geom)
    ), held as (
        select p.tier,
            case when bool_or(p.part is null) then 1.0
                else least(1.0, coalesce(st_area(st_union(p.part)::geography), 0.0) / st_area(shape::geography)) end as share
        from piece p group by p.tier
        union all
        select 'locked',
            case when bool_or(p.part is null) then 1.0
                else least(1.0, coalesce(st_area(st_union(p.part)::geography), 0.0) / st_area(shape::geography)) end
        from piece p where p.locked
    ), deciding as (
        select h.* from held h where h.share >= lockup_value('tier-deciding-share', day) - 1e-9
    )
    select coalesce((select d.tier from deciding d where d.tier <> 'locked'
            order by round(d.share * 1e9) desc, d.tier limit 1), 'fragmented'),
        exists (select from deciding d where d.tier = 'locked'),
        exists (select from zone_version z where upper_inf(z.recorded) and z.valid @> day)
$$;
comment on function lockup_place(geometry, date) is 'The tier of a shape on a day, whether locked zones hold the deciding share of it, and whether any zone is law.';

-- Whether a deed is no matter of course on a day.
create function lockup_forbids(deed text, day date, frees boolean, from_class text, to_class text) returns boolean
language sql stable parallel safe
as $$
    select coalesce((select v.verdict <> 'allowed'
        from lockup_verdict(deed, day, 'base', true, true, frees, from_class, to_class) v), false)
$$;
comment on function lockup_forbids(text, date, boolean, text, text) is 'Whether a rule stands on a day against a deed on locked base land.';

-- The days within a period on which something may turn: its first, those of the rules, and the bounds given.
create function lockup_days(period daterange, bounds daterange[]) returns setof date
language sql stable parallel safe
as $$
    select distinct d.day
    from (
        select lower(period) as day
        union all select lower(r.valid) from lockup_rule r where upper_inf(r.recorded)
        union all select lower(b) from unnest(bounds) b
        union all select upper(b) from unnest(bounds) b
    ) d
    where d.day is not null and period @> d.day
$$;
comment on function lockup_days(daterange, daterange[]) is 'The days within a period on which the rules, or one of the periods given, turn.';
