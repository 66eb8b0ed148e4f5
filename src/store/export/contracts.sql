with parts as (
    -- What differs between the parts of a bond has no one value.
    select contract,
        max(amount_wan_yuan) filter (where part = 'whole') as whole, max(percent) as percent,
        max(amount_wan_yuan) filter (where part = 'start') as start,
        max(amount_wan_yuan) filter (where part = 'completion') as completion,
        max(amount_wan_yuan) filter (where part = 'production') as production,
        case when count(distinct form) = 1 then max(form) end as form,
        case when count(distinct due_on) = 1 then max(due_on) end as due_on,
        case when count(distinct paid_on) = 1 then max(paid_on) end as paid_on,
        case when count(distinct demanded_on) = 1 then max(demanded_on) end as demanded_on,
        max(settled) filter (where part = 'whole') as settled,
        max(settled_on) filter (where part = 'whole') as settled_on,
        max(forfeited_wan_yuan) filter (where part = 'whole') as forfeited,
        max(settled) filter (where part = 'start') as start_settled,
        max(settled_on) filter (where part = 'start') as start_settled_on,
        max(forfeited_wan_yuan) filter (where part = 'start') as start_forfeited,
        max(settled) filter (where part = 'completion') as completion_settled,
        max(settled_on) filter (where part = 'completion') as completion_settled_on,
        max(forfeited_wan_yuan) filter (where part = 'completion') as completion_forfeited,
        max(settled) filter (where part = 'production') as production_settled,
        max(settled_on) filter (where part = 'production') as production_settled_on,
        max(forfeited_wan_yuan) filter (where part = 'production') as production_forfeited
    from bond where valid @> $3::date and recorded @> coalesce($2::timestamptz, 'infinity') group by contract
)
select c.number as contract_no, c.parcel as parcel_code, c.kind, c.holder, c.signed_on,
    nullif(round(extract(year from age(c.term_ends_on, c.term_starts_on))
        + extract(month from age(c.term_ends_on, c.term_starts_on)) / 12, 4), 0)::float8 as term_years,
    c.term_starts_on, c.term_ends_on, c.price_wan_yuan::float8 as price_wan_yuan, c.plot_ratio_low, c.plot_ratio_high,
    c.performance_terms, c.responsible_unit, c.developed_percent, c.invested_percent, c.suspended_on, c.supplements,
    c.paid_on, c.handed_over_on, c.deposit_wan_yuan::float8 as deposit_wan_yuan,
    c.review_years::bigint as review_years,
    b.whole::float8 as bond_wan_yuan, b.percent::float8 as bond_percent, b.start::float8 as bond_start_wan_yuan,
    b.completion::float8 as bond_completion_wan_yuan, b.production::float8 as bond_production_wan_yuan,
    b.form as bond_form, b.due_on as bond_due_on, b.paid_on as bond_paid_on,
    b.demanded_on as bond_demanded_on, b.settled as bond_settled, b.settled_on as bond_settled_on,
    b.forfeited::float8 as bond_forfeited_wan_yuan, b.start_settled as bond_start_settled,
    b.start_settled_on as bond_start_settled_on, b.start_forfeited::float8 as bond_start_forfeited_wan_yuan,
    b.completion_settled as bond_completion_settled, b.completion_settled_on as bond_completion_settled_on,
    b.completion_forfeited::float8 as bond_completion_forfeited_wan_yuan,
    b.production_settled as bond_production_settled, b.production_settled_on as bond_production_settled_on,
    b.production_forfeited::float8 as bond_production_forfeited_wan_yuan,
    lower(c.valid) as valid_from, upper(c.valid) as valid_to, e.name as holder_name,
    coalesce(o.obligations, 0) as obligations, null::bytea as shape
from contract c
left join parts b on b.contract = c.number
left join enterprise e on e.code = c.holder and e.recorded @> coalesce($2::timestamptz, 'infinity')
left join (
    select contract, count(*) as obligations from obligation
    where valid @> $3::date and recorded @> coalesce($2::timestamptz, 'infinity') group by contract
) o on o.contract = c.number
where c.valid @> $3::date and c.recorded @> coalesce($2::timestamptz, 'infinity')
