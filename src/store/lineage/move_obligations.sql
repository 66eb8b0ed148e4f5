-- $1 recorded at, $2 revision, $3 day, $4 all obligations that end or move; $5 from, $6 to, $7 parcel, $8 target, $9 achieved;
-- of contracts that moved: $10 from, $11 parcel, $12 to; of figures of single years that were shared: $13 to, $14 year, $15 part.
with closed as (
    update obligation t set recorded = tstzrange(lower(t.recorded), $1::timestamptz)
    where t.number = any($4::text[]) and upper_inf(t.recorded) and t.valid @> $3::date returning t.*
), ended as (
    insert into obligation (number, contract, valid, recorded, kind, due_on, target, unit, at_most, met_on, achieved,
        excuse, due_after, due_count, due_unit, due_yearly, due_from_year, due_to_year, body, evidence, consequence, revision)
    select number, contract, daterange(lower(valid), $3), tstzrange($1, null), kind, due_on, target, unit, at_most, met_on,
        achieved, excuse, due_after, due_count, due_unit, due_yearly, due_from_year, due_to_year, body, evidence,
        consequence, $2::bigint
    from closed where lower(valid) is null or lower(valid) < $3
), moved as (
    select m.from_number, m.number, n.to_number as contract, m.target, m.achieved
    from unnest($5::text[], $6::text[], $7::text[], $8::numeric[], $9::numeric[]) m (from_number, number, parcel, target, achieved)
    join closed c on c.number = m.from_number
    join unnest($10::text[], $11::text[], $12::text[]) n (from_contract, parcel, to_number)
        on n.from_contract = c.contract and n.parcel = m.parcel
), decided as (
    -- What was decided about an obligation holds for what follows it: an extension above all.
    insert into obligation_act (obligation, act, on_date, until, ground, document, year, recorded, revision)
    select m.number, a.act, a.on_date, a.until, a.ground, a.document, a.year, tstzrange($1, null), $2
    from moved m join obligation_act a on a.obligation = m.from_number and upper_inf(a.recorded)
    where m.number <> m.from_number
), judged as (
    -- So does what came of its past years, a sum shared as its target is.
    insert into obligation_year (obligation, year, met_on, achieved, recorded, revision)
    select m.number, y.year, y.met_on, coalesce(s.part, y.achieved), tstzrange($1, null), $2
    from moved m join obligation_year y on y.obligation = m.from_number and upper_inf(y.recorded)
    left join unnest($13::text[], $14::int[], $15::numeric[]) s (number, year, part) on s.number = m.number and s.year = y.year
    where m.number <> m.from_number
)
insert into obligation (number, contract, valid, recorded, kind, due_on, target, unit, at_most, met_on, achieved,
    excuse, due_after, due_count, due_unit, due_yearly, due_from_year, due_to_year, body, evidence, consequence, revision)
select m.number, m.contract, daterange($3, upper(c.valid)), tstzrange($1, null), c.kind, c.due_on, coalesce(m.target, c.target), c.unit,
    c.at_most, c.met_on, coalesce(m.achieved, c.achieved), c.excuse, c.due_after, c.due_count, c.due_unit, c.due_yearly,
    c.due_from_year, c.due_to_year, c.body, c.evidence, c.consequence, $2
from closed c join moved m on m.from_number = c.number
