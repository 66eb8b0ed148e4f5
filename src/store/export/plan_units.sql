select code as unit_code, name, land_use_scheme, uses, document, decided_on, lower(valid) as valid_from,
    upper(valid) as valid_to, st_area(geom::geography) as area_m2, st_area(geom::geography) * 15 / 10000 as area_mu,
    st_asbinary(geom, 'NDR') as shape
from plan_unit_version
where valid @> $3::date and recorded @> coalesce($2::timestamptz, 'infinity')
