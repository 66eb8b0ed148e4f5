select code as area_code, name, class, document, decided_on, lower(valid) as valid_from, upper(valid) as valid_to,
    st_area(geom::geography) as area_m2, st_area(geom::geography) * 15 / 10000 as area_mu,
    st_asbinary(geom, 'NDR') as shape
from legacy_area_version
where valid @> $3::date and recorded @> coalesce($2::timestamptz, 'infinity')
