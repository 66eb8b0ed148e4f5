select t.number as entry_no, t.lot as lot_no, t.side, t.area_m2::float8 as area_m2, t.on_date, t.document, t.park,
    t.parcel as parcel_code, t.exit, t.readiness, t.supply_mode, t.area_m2::float8 * 15 / 10000 as area_mu,
    st_asbinary(v.geom, 'NDR') as shape
from reserve_entry t
left join lateral (
    select v.geom from parcel p join parcel_version v on v.parcel_id = p.id
    where p.code = t.parcel and v.valid @> t.on_date and v.recorded @> coalesce($2::timestamptz, 'infinity') limit 1
) v on true
where t.recorded @> coalesce($2::timestamptz, 'infinity') and t.on_date <= $3::date
