-- A page of results is asked for in the order of codes by their bytes, as every list has it; without this each page sorts
-- the whole run.
create index review_result_in_order on review_result (run_id, parcel collate "C");
comment on index review_result_in_order is 'Pages of results, in the order of codes.';
