-- The grading of benches/all_indicators.toml as one set-based statement: figures over five years, peer groups by the first
-- two digits of the industry, benchmarks at the median of the group, points, score, rank, grade. It is what a bureau would
-- write without landcycle, and says the same to 1e-9; `benches/review.rs` fills its tables with a run's frozen facts.
--
--   grading.fact(code, industry, land_m2, floor_m2, used_m2, plot_ratio_allowed, in_use_since, fault)
--   grading.figure(code, year, <measure>, <measure>_known for each of nine measures)
--   grading.duty(code, met, excused)
create unlogged table grading.graded as
with
-- A figure is known where at most a fifth of the floor area is behind no report; that fifth is taken at the rate of the rest.
known as (
    select code, year,
        case when output_known > 0 and output_known >= 1 - 0.2::float8 then output / output_known end as output,
        case when revenue_known > 0 and revenue_known >= 1 - 0.2::float8 then revenue / revenue_known end as revenue,
        case when tax_known > 0 and tax_known >= 1 - 0.2::float8 then tax / tax_known end as tax,
        case when value_added_known > 0 and value_added_known >= 1 - 0.2::float8 then value_added / value_added_known end as value_added,
        case when fixed_assets_known > 0 and fixed_assets_known >= 1 - 0.2::float8 then fixed_assets / fixed_assets_known end as fixed_assets,
        case when energy_known > 0 and energy_known >= 1 - 0.2::float8 then energy / energy_known end as energy,
        case when emissions_known > 0 and emissions_known >= 1 - 0.2::float8 then emissions / emissions_known end as emissions,
        case when research_known > 0 and research_known >= 1 - 0.2::float8 then research / research_known end as research,
        case when staff_known > 0 and staff_known >= 1 - 0.2::float8 then staff / staff_known end as staff
    from grading.figure
),
-- Means over the years in which a figure is known, of which there must be two; a quotient takes the years with both.
years as (
    select code,
        case when count(revenue) >= 2 then sum(revenue order by year) / count(revenue) end as revenue,
        case when count(output) >= 2 then sum(output order by year) / count(output) end as output,
        case when count(tax) >= 2 then sum(tax order by year) / count(tax) end as tax,
        case when count(value_added) >= 2 then sum(value_added order by year) / count(value_added) end as value_added,
        case when count(staff) >= 2 then sum(staff order by year) / count(staff) end as staff,
        (array_agg(fixed_assets order by year desc) filter (where fixed_assets is not null))[1] as fixed_assets,
        case when count(value_added) filter (where value_added is not null and staff is not null) >= 2 and sum(staff) filter (where value_added is not null and staff is not null) > 0
            then sum(value_added order by year) filter (where value_added is not null and staff is not null) / sum(staff order by year) filter (where value_added is not null and staff is not null) end as per_staff,
        case when count(value_added) filter (where value_added is not null and energy is not null) >= 2 and sum(energy) filter (where value_added is not null and energy is not null) > 0
            then sum(value_added order by year) filter (where value_added is not null and energy is not null) / sum(energy order by year) filter (where value_added is not null and energy is not null) end as per_energy,
        case when count(value_added) filter (where value_added is not null and emissions is not null) >= 2 and sum(emissions) filter (where value_added is not null and emissions is not null) > 0
            then sum(value_added order by year) filter (where value_added is not null and emissions is not null) / sum(emissions order by year) filter (where value_added is not null and emissions is not null) end as per_emission,
        case when count(research) filter (where research is not null and revenue is not null) >= 2 and sum(revenue) filter (where research is not null and revenue is not null) > 0
            then sum(research order by year) filter (where research is not null and revenue is not null) / sum(revenue order by year) filter (where research is not null and revenue is not null) end as research
    from known group by code
),
-- What was hindered by others does not count against the holder.
duties as (
    select code, 100 * count(*) filter (where met) / count(*)::float8 as met
    from grading.duty where met is not null and (met or not excused) group by code
),
raw as (
    select f.code, f.fault, f.in_use_since + interval '2 years' > :day as too_young,
        case when length(f.industry) >= 2 then left(f.industry, 2) end as industry,
        f.floor_m2 / f.land_m2 as far_actual,
        100 * (f.floor_m2 / f.land_m2) / nullif(f.plot_ratio_allowed, 0) as far_use,
        y.revenue / (f.land_m2 / (10000.0::float8 / 15)) as sales_int,
        y.fixed_assets / (f.land_m2 / (10000.0::float8 / 15)) as inv_int,
        y.output / (f.land_m2 / (10000.0::float8 / 15)) as out_int,
        y.tax / (f.land_m2 / (10000.0::float8 / 15)) as tax_int,
        y.value_added / (f.land_m2 / (10000.0::float8 / 15)) as va_int,
        y.per_staff as lab_prod, y.per_energy as va_energy, y.per_emission as va_emis, 100 * y.research as rd_share,
        y.staff / (f.land_m2 / 10000.0::float8) as jobs_int,
        case when f.floor_m2 > 0 then 100 * (f.floor_m2 - f.used_m2) / f.floor_m2 end as vac_rate,
        d.met as ful_rate
    from grading.fact f join years y using (code) left join duties d using (code)
),
-- One row for each parcel and indicator, the figure rounded half away from zero to six decimals.
value as (
    select r.code, r.industry, coalesce(r.too_young, false) as too_young, i.place, i.weight, i.lower,
        sign(i.figure) * floor(abs(i.figure * 1e6::float8) + 0.5) / 1e6::float8 as figure
    from raw r cross join lateral (values
        (1, 7.0::float8, false, r.far_actual),
        (2, 7.0::float8, false, r.far_use),
        (3, 7.0::float8, false, r.sales_int),
        (4, 7.0::float8, false, r.inv_int),
        (5, 7.0::float8, false, r.out_int),
        (6, 7.0::float8, false, r.tax_int),
        (7, 7.0::float8, false, r.va_int),
        (8, 7.0::float8, false, r.lab_prod),
        (9, 7.0::float8, false, r.va_energy),
        (10, 7.0::float8, false, r.va_emis),
        (11, 7.0::float8, false, r.rd_share),
        (12, 7.0::float8, false, r.jobs_int),
        (13, 8.0::float8, true, r.vac_rate),
        (14, 8.0::float8, false, r.ful_rate)
    ) as i(place, weight, lower, figure)
),
-- Who is compared with whom: the industry where it has thirty parcels that are judged, else the whole city.
member as (
    select code, industry from raw where not coalesce(too_young, false)
),
grouping as (
    select industry from member where industry is not null group by industry having count(*) >= 30
),
benchmark as (
    select industry, place, case when median > 0 then floor(median * 1e6::float8 + 0.5) / 1e6::float8 end as benchmark
    from (
        select v.industry, v.place, percentile_cont(0.5) within group (order by case when v.figure < 0 then 0 else v.figure end) as median
        from value v join grouping g using (industry) where not v.too_young group by v.industry, v.place
        union all
        select null, v.place, percentile_cont(0.5) within group (order by case when v.figure < 0 then 0 else v.figure end)
        from value v where not v.too_young group by v.place
    ) m
),
bare as (
    select v.code, v.place, v.weight, v.too_young,
        case when not v.lower then v.figure / b.benchmark
            when v.figure <= 0 then case when b.benchmark is not null then 1.5 end
            else b.benchmark / v.figure end as strength
    from value v
    left join grouping g on g.industry = v.industry
    left join benchmark b on b.place = v.place and b.industry is not distinct from g.industry
),
-- Not in one step: least and greatest pass over what is unknown.
points as (
    select code, place, weight, too_young, case when strength is not null then least(greatest(strength, 0), 1.5) end as strength
    from bare
),
scored as (
    select code, bool_or(too_young) as too_young,
        sum(weight) filter (where strength is not null) as counted,
        sum(floor(weight * strength * 1e6::float8 + 0.5) / 1e6::float8 order by place) as points
    from points group by code
),
judged as (
    select code, floor(100 * points / counted * 1e4::float8 + 0.5) / 1e4::float8 as score
    from scored where not too_young and floor(counted / 100 * 1e6::float8 + 0.5) / 1e6::float8 >= 0.6
),
ranked as (
    select code, score, row_number() over (order by score desc, code collate "C") as rank, count(*) over () as "of"
    from judged
)
select r.code, r.score, r.rank,
    case when r.rank <= floor(r.of * 20.0 / 100 + 0.5) then 'A' when r.rank <= floor(r.of * 60.0 / 100 + 0.5) then 'B'
        when r.rank <= floor(r.of * 95.0 / 100 + 0.5) then 'C' else 'D' end as bare_grade,
    f.fault
from ranked r join grading.fact f using (code);
