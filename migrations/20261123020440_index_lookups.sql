-- Supplements are followed to what they supplement as it was believed at any time, so the index knows no "now". Beside
-- "now" it would differ by the few contracts that were corrected.
drop index contract_number;
create index contract_number on contract (number);

-- The life of one parcel; the exclusion constraint finds it too, through a tree ten times as deep.
create index parcel_state_parcel on parcel_state (parcel_id);
