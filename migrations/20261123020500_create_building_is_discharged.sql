-- A building of a parcel that was retired is on record as that parcel's, and is missed by nobody.
create index lineage_duty_building on lineage_duty (from_number) where thing = 'building' and treatment = 'discharged';

create function building_is_discharged(code text, parcel text) returns boolean
language sql stable parallel safe
as $$
    select exists (
        select from lineage_duty d join parcel p on p.id = d.from_parcel
        where d.thing = 'building' and d.treatment = 'discharged' and d.from_number = building_is_discharged.code
            and (building_is_discharged.parcel is null or p.code = building_is_discharged.parcel))
$$;
comment on function building_is_discharged(text, text) is 'Whether a building, by its code and the parcel it is on record with, was discharged when that parcel was retired.';
