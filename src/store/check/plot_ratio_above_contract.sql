-- Parcels whose plan condition rose while a contract was in force, above the highest plot ratio that this contract, or the
-- newest of its supplements that states one, agrees to. A contract that from the outset agrees to less than the plan allows is no fault.
with law as (
    select v.parcel_id, p.code, v.valid, v.plot_ratio_allowed, v.geom
    from parcel_version v join parcel p on p.id = v.parcel_id
    where upper_inf(v.recorded) and v.valid @> $1::date and v.plot_ratio_allowed is not null
), rose as (
    -- The first day since which what is allowed now has been more than at some day before.
    select l.*, (
        select max(upper(e.valid)) from parcel_version e
        where e.parcel_id = l.parcel_id and upper_inf(e.recorded) and e.valid << l.valid
            and e.plot_ratio_allowed < l.plot_ratio_allowed) as rose_on
    from law l
), main as (
    select distinct on (c.parcel) c.parcel, c.number, c.signed_on, c.plot_ratio_high
    from contract c
    join rose r on r.code = c.parcel and r.rose_on is not null
    where upper_inf(c.recorded) and c.valid @> $1::date and c.signed_on <= $1
        and not (c.supplements is not null and is_supplement(c.number, c.parcel, c.supplements))
    order by c.parcel, c.signed_on desc, c.number desc
), bound as (
    select m.parcel, m.number, m.signed_on, coalesce(a.plot_ratio_high, m.plot_ratio_high) as high
    from main m left join contract_amendment($1::date, null, null) a on a.number = m.number
)
select r.code as "key!", b.number as other, r.plot_ratio_allowed - b.high as figure,
    st_x(st_pointonsurface(r.geom)) as lon, st_y(st_pointonsurface(r.geom)) as lat, st_asbinary(r.geom, 'NDR') as wkb
from rose r join bound b on b.parcel = r.code
where r.rose_on > b.signed_on and r.plot_ratio_allowed > b.high
order by r.code collate "C"
