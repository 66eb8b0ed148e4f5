select v.code as zone_code, v.name, v.tier, v.locked, v.document, v.decided_on, lower(v.valid) as valid_from,
    upper(v.valid) as valid_to, st_area(v.geom::geography) as area_m2, st_area(v.geom::geography) * 15 / 10000 as area_mu,
    v.geom as geometry
from zone_version v
where upper_inf(v.recorded) and v.valid && $1::daterange
  and ($2::bool or not exists (
      select from zone_version w
      where w.code = v.code and upper_inf(w.recorded) and w.valid && $1::daterange and w.valid > v.valid))
