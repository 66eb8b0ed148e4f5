-- Whoever asks for one parcel asks for any time, so the indexes know no "now". Beside "now" they would differ by the few
-- corrected rows alone.

drop index building_parcel;
create index building_parcel on building (parcel);
drop index contract_parcel;
create index contract_parcel on contract (parcel);
drop index obligation_contract;
create index obligation_contract on obligation (contract);
create index review_result_parcel on review_result (parcel);
