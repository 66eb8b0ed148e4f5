select o.number as obligation_no, o.contract as contract_no, o.kind, o.due_on, o.target::float8 as target, o.unit,
    case when o.at_most then '<=' when o.target is not null then '>=' end as comparator, o.met_on,
    o.achieved::float8 as achieved, o.excuse, c.parcel, c.responsible_unit,
    nullif(greatest(coalesce(o.met_on, $3::date) - o.due_on, 0), 0)::int8 as days_late, null::bytea as shape
from obligation o
left join contract c on c.number = o.contract
    and case when $2::timestamptz is null then upper_inf(c.recorded) else c.recorded @> $2 end
where case when $2::timestamptz is null then upper_inf(o.recorded) else o.recorded @> $2 end
    and ($1::date is null or c.signed_on <= $1 and (c.term_ends_on is null or c.term_ends_on > $1))
