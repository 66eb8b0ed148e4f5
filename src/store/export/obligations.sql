with decision as (
    select distinct on (obligation, year) obligation, act, on_date, until, ground, document, year from obligation_act
    where recorded @> coalesce($2::timestamptz, 'infinity') order by obligation, year, on_date desc, id desc
), told as (
    -- What came of single years, or was decided about them, stands in rows of their own behind the duty's.
    select obligation, year, met_on, achieved from obligation_year where recorded @> coalesce($2::timestamptz, 'infinity')
    union all
    select d.obligation, d.year, null, null from decision d
    where d.year is not null and not exists (
        select from obligation_year y
        where y.obligation = d.obligation and y.year = d.year and y.recorded @> coalesce($2::timestamptz, 'infinity'))
), said as (
    select o.number, o.contract, o.kind, null::int as year, o.due_on, o.target, o.unit, o.at_most, o.met_on, o.achieved,
        o.excuse, o.due_after, o.due_count, o.due_unit, o.due_yearly, o.due_from_year, o.due_to_year, o.body, o.evidence,
        o.consequence, lower(o.valid) as valid_from, upper(o.valid) as valid_to
    from obligation o
    where o.valid @> $3::date and o.recorded @> coalesce($2::timestamptz, 'infinity')
    union all
    select o.number, o.contract, o.kind, t.year, null, null, null, false, t.met_on, t.achieved, null, null, null, null,
        null, null, null, null, null, null, null, null
    from obligation o join told t on t.obligation = o.number
    where o.valid @> $3::date and o.recorded @> coalesce($2::timestamptz, 'infinity')
)
select o.number as obligation_no, o.contract as contract_no, o.kind, o.due_on, o.target::float8 as target, o.unit,
    case when o.at_most then '<=' when o.target is not null then '>=' end as comparator, o.met_on,
    o.achieved::float8 as achieved, o.excuse, o.due_after, o.due_count::int8 as due_count, o.due_unit, o.due_yearly,
    o.due_from_year::int8 as due_from_year, o.due_to_year::int8 as due_to_year, o.body, o.evidence, o.consequence,
    a.act, a.on_date as act_on, a.until as act_until, a.ground as act_ground, a.document as act_document,
    o.year::int8 as year, o.valid_from, o.valid_to, c.parcel, c.responsible_unit, null::bytea as shape
from said o
left join contract c on c.number = o.contract and c.valid @> $3::date
    and c.recorded @> coalesce($2::timestamptz, 'infinity')
left join decision a on a.obligation = o.number and a.year is not distinct from o.year
