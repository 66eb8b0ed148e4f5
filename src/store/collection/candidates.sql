select r.rank, r.parcel as parcel_code, coalesce(d.name, j.facts ->> 'district') as district,
    coalesce(k.name, j.facts ->> 'park') as park, j.facts ->> 'tier' as tier, j.facts ->> 'land_use' as land_use,
    (j.facts ->> 'land_m2')::float8 as area_m2, (j.facts ->> 'land_m2')::float8 * 15 / 10000 as area_mu,
    (j.facts ->> 'plot_ratio_allowed')::float8 as plot_ratio_allowed, r.grade, r.score, r.outcome,
    j.facts #>> '{contract,responsible_unit}' as responsible_unit,
    (j.facts #>> '{contract,term_ends_on}')::date as term_end, r.run_id, n.as_of, r.receipt_hash as receipt,
    v.geom as geometry
from review_standing($6, null) r
join review_run n on n.id = r.run_id
cross join lateral (select r.receipt::jsonb -> 'facts' as facts) j
left join district d on d.code = j.facts ->> 'district'
left join park k on k.code = j.facts ->> 'park'
left join (parcel p join parcel_version v on v.parcel_id = p.id and upper_inf(v.recorded)) on p.code = r.parcel
    -- The land as it was on the day that the run judged.
    and v.valid @> n.as_of
where r.list = 
