with decision as (
    select distinct on (obligation) obligation, act, on_date, until, ground, document from obligation_act
    where recorded @> coalesce($2::timestamptz, 'infinity') order by obligation, on_date desc, id desc
)
select o.number as obligation_no, o.contract as contract_no, o.kind, o.due_on, o.target::float8 as target, o.unit,
    case when o.at_most then '<=' when o.target is not null then '>=' end as comparator, o.met_on,
    o.achieved::float8 as achieved, o.excuse, o.due_after, o.due_count::int8 as due_count, o.due_unit, o.due_yearly,
    o.due_from_year::int8 as due_from_year, o.due_to_year::int8 as due_to_year, o.body, o.evidence, o.consequence,
    a.act, a.on_date as act_on, a.until as act_until, a.ground as act_ground, a.document as act_document,
    lower(o.valid) as valid_from, upper(o.valid) as valid_to, c.parcel, c.responsible_unit,
    null::bytea as shape
from obligation o
left join contract c on c.number = o.contract and c.valid @> $3::date
    and c.recorded @> coalesce($2::timestamptz, 'infinity')
left join decision a on a.obligation = o.number
where o.valid @> $3::date and o.recorded @> coalesce($2::timestamptz, 'infinity')
