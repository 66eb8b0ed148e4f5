-- Whether a contract supplements another on its own parcel. Where a parcel was split or merged, the contract of a child
-- names the one it comes from in the same column: that makes it no supplement, unless the one it comes from was.

create function is_supplement(number text, parcel text, supplements text) returns boolean
language sql stable parallel safe
as $$
    with recursive origin (number, parcel, supplements) as (
        select $1, $2, $3
        union
        select t.number, t.parcel, t.supplements
        from origin o join contract t on t.number = o.supplements and t.parcel <> o.parcel
    )
    select exists (select from origin o join contract t on t.number = o.supplements and t.parcel = o.parcel);
$$;
comment on function is_supplement(text, text, text) is 'Whether the contract of that number, parcel and supplements is a supplementary contract (补充合同), which never stands in for the one it supplements.';
