-- What is asked of parcels, as columns that every reader shares: the map, searches, filters and other services.

create function parcel_facts(on_day date, known timestamptz, of_run bigint, tall_storey_m double precision, of_parcels text[])
returns table (parcel_id bigint, parcel_code text, district text, park text, land_use text, industry text, holder_name text,
    area_m2 double precision, area_mu double precision, floor_area_m2 double precision, plot_ratio_built double precision,
    plot_ratio_allowed double precision, plot_ratio_unused double precision, grade text, score double precision, outcome text,
    list text, state text, term_end date, geometry geometry)
language sql stable parallel safe
as $$
    -- Every join is of subqueries with one row a parcel, so that the planner leaves out those that nobody asks for.
    select p.id, p.code, v.district, v.park, v.land_use, t.industry, t.holder_name, v.area_m2, v.area_m2 * 15 / 10000,
        f.floor_m2, f.floor_m2 / v.area_m2, v.plot_ratio_allowed, v.plot_ratio_allowed - f.floor_m2 / v.area_m2,
        r.grade, r.score, r.outcome, r.list, s.state, t.term_ends_on, v.geom
    from parcel p
    join parcel_version v on v.parcel_id = p.id and v.valid @> on_day
        and case when known is null then upper_inf(v.recorded) else v.recorded @> known end
    left join (
        select b.parcel_id, b.floor_m2 from parcel_floor(tall_storey_m, known) b
        where of_parcels is null or b.parcel_id = any(array(select id from parcel where code = any(of_parcels)))
    ) f on f.parcel_id = p.id
    left join (
        select distinct on (c.parcel) c.parcel, coalesce(a.term_ends_on, c.term_ends_on) as term_ends_on,
            e.name as holder_name, e.industry
        from contract c
        left join contract_amendment(on_day, known, of_parcels) a on a.number = c.number
        left join enterprise e on e.code = c.holder
            and case when known is null then upper_inf(e.recorded) else e.recorded @> known end
        where c.valid @> on_day and c.signed_on <= on_day and (of_parcels is null or c.parcel = any(of_parcels))
            and case when known is null then upper_inf(c.recorded) else c.recorded @> known end
        order by c.parcel, c.supplements is not null and is_supplement(c.number, c.parcel, c.supplements),
            c.signed_on desc, c.number desc
    ) t on t.parcel = p.code
    left join (
        select distinct on (s.parcel_id) s.parcel_id, s.state from parcel_state s
        where s.valid @> on_day and case when known is null then upper_inf(s.recorded) else s.recorded @> known end
            and (of_parcels is null or s.parcel_id = any(array(select id from parcel where code = any(of_parcels))))
        order by s.parcel_id
    ) s on s.parcel_id = p.id
    left join review_standing(of_run, known) r on r.parcel = p.code
    where of_parcels is null or p.code = any(of_parcels)
$$;
comment on function parcel_facts(date, timestamptz, bigint, double precision, text[]) is 'What is asked of each parcel that is law on a day, as believed at a time (null: now): its land, the holder of its contract and that enterprise''s class, floor area and plot ratios, what a review run says of it, its state of life, the first day after its term, its shape. A storey higher than tall_storey_m counts twice. of_parcels narrows it (null: all). Where it stands in the plan is joined by the caller, since that is kept for today and worked out for any other day.';

create function parcel_today(on_day date, of_run bigint, tall_storey_m double precision, of_parcels text[])
returns table (parcel_code text, district text, park text, tier text, locked boolean, land_use text, industry text, holder_name text,
    area_m2 double precision, area_mu double precision, floor_area_m2 double precision, plot_ratio_built double precision,
    plot_ratio_allowed double precision, plot_ratio_unused double precision, grade text, score double precision, outcome text,
    list text, state text, term_end date, geometry geometry)
language sql stable parallel safe
as $$
    select f.parcel_code, f.district, f.park, coalesce(l.tier, 'fragmented'), coalesce(l.locked, false), f.land_use, f.industry,
        f.holder_name, f.area_m2, f.area_mu, f.floor_area_m2, f.plot_ratio_built, f.plot_ratio_allowed, f.plot_ratio_unused,
        f.grade, f.score, f.outcome, f.list, f.state, f.term_end, f.geometry
    from parcel_facts(on_day, null, of_run, tall_storey_m, of_parcels) f
    left join parcel_place l on l.parcel_id = f.parcel_id
$$;
comment on function parcel_today(date, bigint, double precision, text[]) is 'Each parcel as it stands today, a column for each thing that may be asked of it (domain/queryable.rs): parcel_facts of now, with the tiers that are kept for the day.';
