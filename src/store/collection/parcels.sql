select p.code as parcel_code, v.district, v.park, v.land_use, v.land_use_scheme,
    v.registered_area_m2::float8 as registered_area_m2, v.plot_ratio_allowed, v.address, v.source_id,
    lower(v.valid) as valid_from, upper(v.valid) as valid_to, coalesce(l.tier, 'fragmented') as tier,
    coalesce(l.locked, false) as locked, l.zone, v.area_m2, v.area_m2 * 15 / 10000 as area_mu,
    -- One parcel at a time: a page needs a hundred of them, and a question that names none of these needs none.
    (select f.floor_m2 from parcel_floor($5, null) f where f.parcel_id = p.id) as floor_area_m2,
    (select f.floor_m2 from parcel_floor($5, null) f where f.parcel_id = p.id) / v.area_m2 as plot_ratio_built,
    (select c.number from contract c
        where c.parcel = p.code and upper_inf(c.recorded) and c.valid @> $3::date and c.signed_on <= $3::date
        order by c.supplements is not null and is_supplement(c.number, c.parcel, c.supplements), c.signed_on desc,
            c.number desc limit 1) as contract_number,
    (select coalesce((select a.term_ends_on from contract_amendment($3::date, null, array[p.code]) a where a.number = c.number), c.term_ends_on)
        from contract c
        where c.parcel = p.code and upper_inf(c.recorded) and c.valid @> $3::date and c.signed_on <= $3::date
        order by c.supplements is not null and is_supplement(c.number, c.parcel, c.supplements), c.signed_on desc,
            c.number desc limit 1) as term_end,
    v.geom as geometry
from parcel p
join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded) and v.valid && $1::daterange
left join {placed} l on l.parcel_id = p.id
where ($2::bool or not exists (
    select from parcel_version w
    where w.parcel_id = v.parcel_id and upper_inf(w.recorded) and w.valid && $1::daterange and w.valid > v.valid))
