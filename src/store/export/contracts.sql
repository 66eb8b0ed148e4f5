select c.number as contract_no, c.parcel as parcel_code, c.kind, c.holder, c.signed_on,
    nullif(round(extract(year from age(c.term_ends_on, c.term_starts_on))
        + extract(month from age(c.term_ends_on, c.term_starts_on)) / 12, 4), 0)::float8 as term_years,
    c.term_starts_on, c.term_ends_on, c.price_wan_yuan::float8 as price_wan_yuan, c.plot_ratio_low, c.plot_ratio_high,
    c.performance_terms, c.responsible_unit, c.developed_percent, c.invested_percent, c.suspended_on,
    e.name as holder_name, coalesce(o.obligations, 0) as obligations, null::bytea as shape
from contract c
left join enterprise e on e.code = c.holder
    and case when $2::timestamptz is null then upper_inf(e.recorded) else e.recorded @> $2 end
left join (
    select contract, count(*) as obligations from obligation
    where case when $2::timestamptz is null then upper_inf(recorded) else recorded @> $2 end group by contract
) o on o.contract = c.number
where case when $2::timestamptz is null then upper_inf(c.recorded) else c.recorded @> $2 end
    and ($1::date is null or c.signed_on <= $1 and (c.term_ends_on is null or c.term_ends_on > $1))
