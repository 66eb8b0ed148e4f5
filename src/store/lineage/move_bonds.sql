-- $1 recorded at, $2 revision, $3 day, $4 all bonds (contract/part) that end or move; $5 from, $6 to, $7 amount, $8 forfeited.
with closed as (
    update bond t set recorded = tstzrange(lower(t.recorded), $1::timestamptz)
    where t.contract || '/' || t.part = any($4::text[])
      and t.contract = any(select regexp_replace(n, '/[^/]*$', '') from unnest($4::text[]) n)
      and upper_inf(t.recorded) and t.valid @> $3::date returning t.*
), ended as (
    insert into bond (contract, part, valid, recorded, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled, settled_on,
        forfeited_wan_yuan, revision)
    select contract, part, daterange(lower(valid), $3), tstzrange($1, null), amount_wan_yuan, percent, form, due_on, paid_on,
        demanded_on, settled, settled_on, forfeited_wan_yuan, $2::bigint
    from closed where lower(valid) is null or lower(valid) < $3
)
insert into bond (contract, part, valid, recorded, amount_wan_yuan, percent, form, due_on, paid_on, demanded_on, settled, settled_on,
    forfeited_wan_yuan, revision)
select regexp_replace(m.number, '/[^/]*$', ''), c.part, daterange($3, upper(c.valid)), tstzrange($1, null),
    coalesce(m.amount, c.amount_wan_yuan), c.percent, c.form, c.due_on, c.paid_on, c.demanded_on, c.settled, c.settled_on,
    coalesce(m.forfeited, c.forfeited_wan_yuan), $2
from closed c
join unnest($5::text[], $6::text[], $7::numeric[], $8::numeric[]) m (from_number, number, amount, forfeited)
    on m.from_number = c.contract || '/' || c.part
