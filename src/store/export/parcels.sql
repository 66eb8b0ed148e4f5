with terms as (
    select distinct on (parcel) parcel, number, coalesce(a.term_ends_on, c.term_ends_on) as term_ends_on
    from contract c left join contract_amendment($3::date, $2, null) a using (number)
    where recorded @> coalesce($2::timestamptz, 'infinity') and valid @> $3::date and signed_on <= $3
    order by parcel, supplements is not null and is_supplement(number, parcel, supplements), signed_on desc, number desc
)
select p.code as parcel_code, v.district, v.park, v.land_use, v.land_use_scheme,
    v.registered_area_m2::float8 as registered_area_m2, v.plot_ratio_allowed, v.address, v.source_id,
    lower(v.valid) as valid_from, upper(v.valid) as valid_to, coalesce(l.tier, 'fragmented') as tier,
    coalesce(l.locked, false) as locked, l.zone,
    v.area_m2, v.area_m2 * 15 / 10000 as area_mu, f.floor_m2 as floor_area_m2,
    f.floor_m2 / v.area_m2 as plot_ratio_built, t.number as contract_number, t.term_ends_on as term_end,
    st_asbinary(v.geom, 'NDR') as shape
from parcel p
join parcel_version v on v.parcel_id = p.id and v.valid @> $3::date
    and v.recorded @> coalesce($2::timestamptz, 'infinity')
left join placed l on l.parcel_id = p.id
left join parcel_floor($6, $2) f on f.parcel_id = p.id
left join terms t on t.parcel = p.code
