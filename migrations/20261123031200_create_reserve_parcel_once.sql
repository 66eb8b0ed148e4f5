-- A parcel lies in one lot of the reserve at a time. The importer refuses a row that says otherwise; this holds it against
-- whoever writes past the importer, and against an entry by which land comes back that another lot has taken in since.
create index reserve_entry_parcel on reserve_entry (parcel) where upper_inf(recorded) and side = 'in';

create function reserve_parcel_clash(lots text[]) returns table (lot text, other text, parcel text)
language sql stable as $$
    with concerned as (
        select t.lot from reserve_entry t
        where upper_inf(t.recorded) and t.side = 'in' and t.parcel in (
            select o.parcel from reserve_entry o
            where upper_inf(o.recorded) and o.side = 'in' and o.lot = any (lots))),
    holding as (
        select t.lot, max(t.parcel) filter (where t.side = 'in') as parcel,
            daterange(min(t.on_date) filter (where t.side = 'in'),
                case when sum(case t.side when 'in' then t.area_m2 else -t.area_m2 end) <= 0
                    then greatest(max(t.on_date), min(t.on_date) filter (where t.side = 'in')) end) as days
        from reserve_entry t where upper_inf(t.recorded) and t.lot in (select c.lot from concerned c) group by t.lot)
    select h.lot, o.lot, h.parcel
    from holding h join holding o on o.parcel = h.parcel and o.lot <> h.lot and o.days && h.days
    where h.lot = any (lots)
    order by h.lot, o.lot
$$;
comment on function reserve_parcel_clash(text[]) is 'The lots among these that hold a parcel while another lot holds it, with that lot: from the day it comes in until the last of the lot has gone out.';

-- At the end of each transaction, so that land may go out of one lot and into another in any order.
create function refuse_parcel_in_two_lots() returns trigger language plpgsql security definer as $$
declare
    wrong record;
begin
    perform from revision_head for update;
    select * into wrong from reserve_parcel_clash(array[old.lot, new.lot]) limit 1;
    if found then
        raise exception 'parcel % lies in lot % and in lot % at once', wrong.parcel, wrong.lot, wrong.other
            using errcode = 'exclusion_violation', constraint = 'reserve_parcel_once',
                hint = 'a parcel comes into a lot once the last of the other lot has gone out';
    end if;
    return null;
end
$$;
comment on function refuse_parcel_in_two_lots() is 'Refuses entries by which a parcel would lie in two lots of the reserve on one day.';
create constraint trigger reserve_parcel_once after insert or update or delete on reserve_entry
    deferrable initially deferred for each row execute function refuse_parcel_in_two_lots();
