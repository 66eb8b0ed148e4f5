select v.number as contract_no, v.parcel as parcel_code, v.kind, v.holder,
    (select e.name from enterprise e where e.code = v.holder and upper_inf(e.recorded)) as holder_name, v.signed_on,
    v.term_starts_on, v.term_ends_on, v.price_wan_yuan::float8 as price_wan_yuan, v.plot_ratio_low, v.plot_ratio_high,
    v.performance_terms, v.responsible_unit, v.paid_on, v.handed_over_on,
    v.deposit_wan_yuan::float8 as deposit_wan_yuan, v.review_years,
    (select count(*) from obligation o
        where o.contract = v.number and upper_inf(o.recorded) and o.valid @> $3::date) as obligations,
    lower(v.valid) as valid_from, upper(v.valid) as valid_to, l.geom as geometry
from contract v
left join (
    parcel p join parcel_version l on l.parcel_id = p.id and upper_inf(l.recorded) and l.valid @> $3::date
) on p.code = v.parcel
where upper_inf(v.recorded) and v.valid && $1::daterange
  and ($2::bool or not exists (
      select from contract w
      where w.number = v.number and upper_inf(w.recorded) and w.valid && $1::daterange and w.valid > v.valid))
