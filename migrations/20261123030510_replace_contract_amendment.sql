-- A lease that a grant follows (先租后让): a supplement of a lease that is itself a grant ends the lease from its signing on.

drop function contract_amendment(date, timestamptz, text[]);
create function contract_amendment(on_day date, known_at timestamptz, of_parcels text[])
returns table (number text, by_numbers text[], term_ends_on date, term_by text, price_wan_yuan numeric, plot_ratio_low double precision,
    plot_ratio_high double precision, performance_terms boolean, responsible_unit text, granted_by text, granted_on date,
    granted_from date)
language sql stable parallel safe
as $$
    with recursive line (number, parcel, at, at_parcel, next, is_supplement) as (
        select c.number, c.parcel, c.number, c.parcel, c.supplements, false from contract c
        where c.supplements is not null and c.recorded @> coalesce(known_at, 'infinity') and c.valid @> on_day
          and c.signed_on <= on_day and (of_parcels is null or c.parcel = any(of_parcels))
        union
        select l.number, l.parcel, t.number, t.parcel, t.supplements, l.is_supplement or t.parcel = l.at_parcel
        from line l join contract t on t.number = l.next and t.recorded @> coalesce(known_at, 'infinity')
    ), origin as (
        -- A line ends with a contract that names no other: contracts of one line are of one family.
        select number, parcel, bool_or(is_supplement) as is_supplement, min(at) filter (where next is null) as family
        from line group by number, parcel
    ), main as (
        select number, parcel, family from origin where not is_supplement
        union
        select c.number, c.parcel, c.number from contract c
        where c.supplements is null and c.recorded @> coalesce(known_at, 'infinity') and c.valid @> on_day
          and c.parcel in (select parcel from origin where is_supplement)
    ), said as (
        select m.number, s.number as by_number, row_number() over (partition by m.number order by s.signed_on, s.number) as nth,
            s.term_ends_on, s.price_wan_yuan, s.plot_ratio_low, s.plot_ratio_high, s.performance_terms, s.responsible_unit,
            s.kind, s.signed_on, s.term_starts_on
        from origin o
        join main m on m.parcel = o.parcel and m.family = o.family
        join contract s on s.number = o.number and s.recorded @> coalesce(known_at, 'infinity') and s.valid @> on_day
        where o.is_supplement
    )
    select s.number, array_agg(by_number order by nth),
        (array_agg(s.term_ends_on order by nth desc) filter (where s.term_ends_on is not null))[1],
        (array_agg(by_number order by nth desc) filter (where s.term_ends_on is not null))[1],
        (array_agg(s.price_wan_yuan order by nth desc) filter (where s.price_wan_yuan is not null))[1],
        (array_agg(s.plot_ratio_low order by nth desc) filter (where s.plot_ratio_low is not null))[1],
        (array_agg(s.plot_ratio_high order by nth desc) filter (where s.plot_ratio_high is not null))[1],
        bool_or(s.performance_terms),
        (array_agg(s.responsible_unit order by nth desc) filter (where s.responsible_unit is not null))[1],
        (array_agg(by_number order by nth) filter (where grants))[1],
        (array_agg(s.signed_on order by nth) filter (where grants))[1],
        (array_agg(s.term_starts_on order by nth) filter (where grants))[1]
    from said s
    cross join lateral (
        select s.kind in ('grant', 'flexible_grant') and exists (
            select from contract l
            where l.number = s.number and l.kind in ('lease', 'lease_then_grant')
              and l.recorded @> coalesce(known_at, 'infinity') and l.valid @> on_day) as grants) g
    group by s.number;
$$;
comment on function contract_amendment(date, timestamptz, text[]) is 'What the supplementary contracts that are law on a day, as believed at a time (null: now), state in place of the contract that each supplements on its parcel: of each term the newest that states it; null where none does. by_numbers are the supplements, the oldest first; of_parcels narrows it (null: all). Of a lease, granted_by is the first supplement that is a grant, granted_on the day it was signed and granted_from the first day of its term; null while the lease runs.';
