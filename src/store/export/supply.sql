select t.number as entry_no, t.parcel as parcel_code, t.year::int8 as year, t.source, t.area_m2::float8 as area_m2,
    t.secured_on, t.document, v.district, t.area_m2::float8 * 15 / 10000 as area_mu, st_asbinary(v.geom, 'NDR') as shape
from supply_entry t
left join lateral (
    select v.district, v.geom from parcel p join parcel_version v on v.parcel_id = p.id
    where p.code = t.parcel and v.valid @> t.secured_on and v.recorded @> coalesce($2::timestamptz, 'infinity') limit 1
) v on true
where t.recorded @> coalesce($2::timestamptz, 'infinity') and t.secured_on <= $3::date
