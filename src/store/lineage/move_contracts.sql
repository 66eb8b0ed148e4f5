-- $1 recorded at, $2 revision, $3 day, $4 all contracts that end or move; $5 from, $6 to, $7 parcel, $8 price, $9 deposit.
with closed as (
    update contract t set recorded = tstzrange(lower(t.recorded), $1::timestamptz)
    where t.number = any($4::text[]) and upper_inf(t.recorded) and t.valid @> $3::date returning t.*
), ended as (
    insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on,
        price_wan_yuan, plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit, developed_percent,
        invested_percent, suspended_on, supplements, paid_on, handed_over_on, deposit_wan_yuan, review_years, revision)
    select number, parcel, daterange(lower(valid), $3), tstzrange($1, null), kind, holder, signed_on, term_starts_on,
        term_ends_on, price_wan_yuan, plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit,
        developed_percent, invested_percent, suspended_on, supplements, paid_on, handed_over_on, deposit_wan_yuan, review_years,
        $2::bigint
    from closed where lower(valid) is null or lower(valid) < $3
)
insert into contract (number, parcel, valid, recorded, kind, holder, signed_on, term_starts_on, term_ends_on,
    price_wan_yuan, plot_ratio_low, plot_ratio_high, performance_terms, responsible_unit, developed_percent,
    invested_percent, suspended_on, supplements, paid_on, handed_over_on, deposit_wan_yuan, review_years, revision)
select m.number, m.parcel, daterange($3, upper(c.valid)), tstzrange($1, null), c.kind, c.holder, c.signed_on, c.term_starts_on,
    c.term_ends_on, coalesce(m.price, c.price_wan_yuan), c.plot_ratio_low, c.plot_ratio_high, c.performance_terms,
    c.responsible_unit, c.developed_percent, c.invested_percent, c.suspended_on,
    -- A contract under a new number says which one it comes from.
    case when m.number = c.number then c.supplements else c.number end,
    c.paid_on, c.handed_over_on, coalesce(m.deposit, c.deposit_wan_yuan), c.review_years, $2
from closed c
join unnest($5::text[], $6::text[], $7::text[], $8::numeric[], $9::numeric[]) m (from_number, number, parcel, price, deposit)
    on m.from_number = c.number
