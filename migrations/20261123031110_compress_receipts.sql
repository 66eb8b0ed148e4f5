-- A receipt is some kilobytes, and a run has one for every parcel. Compressing them with PostgreSQL's first method took
-- more time than judging; lz4 takes a fraction of it. They stay in the row, which is read whole: kept aside, each would
-- cost two more rows and an index entry.
do $$
begin
    alter table review_result alter column receipt set compression lz4;
exception when feature_not_supported or invalid_parameter_value then
    -- A server that was built without lz4 compresses as it did.
    null;
end
$$;
alter table review_result alter column receipt set storage main;
