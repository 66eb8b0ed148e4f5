select a.id::int8 as approval_no,
    case when w.id is not null then 'withdrawn' when u.id is not null then 'used' when c.id is not null then 'confirmed'
        else 'proposed' end as state,
    a.deed, a.subject, a.to_use, a.to_use_scheme, a.ground, a.document, a.decided_on, a.area_m2::float8 as area_m2,
    a.compensation_m2::float8 as compensation_m2, a.required_m2::float8 as required_m2, a.proposed_by,
    (p.recorded_at at time zone 'Asia/Shanghai')::date as proposed_on,
    case when c.id is not null then a.confirmed_by end as confirmed_by,
    (c.recorded_at at time zone 'Asia/Shanghai')::date as confirmed_on,
    (u.recorded_at at time zone 'Asia/Shanghai')::date as used_on,
    (w.recorded_at at time zone 'Asia/Shanghai')::date as withdrawn_on, st_asbinary(a.geom, 'NDR') as shape
from special_approval a
join revision p on p.id = a.proposed_in and p.recorded_at <= coalesce($2::timestamptz, 'infinity')
left join revision c on c.id = a.confirmed_in and c.recorded_at <= coalesce($2::timestamptz, 'infinity')
left join revision u on u.id = a.used_in and u.recorded_at <= coalesce($2::timestamptz, 'infinity')
left join revision w on w.id = a.withdrawn_in and w.recorded_at <= coalesce($2::timestamptz, 'infinity')
where a.decided_on <= $3::date
