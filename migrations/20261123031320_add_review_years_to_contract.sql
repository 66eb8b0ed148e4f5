-- How many years apart a contract has its land in use reviewed, where it says so.
alter table contract add column review_years integer check (review_years between 3 and 5);
comment on column contract.review_years is 'Years from one review in use to the next (过程评估), 3 to 5; null where the contract does not say.';
alter table stage_contract add column review_years integer;
comment on column stage_contract.review_years is 'Years from one review in use to the next, as the file has it.';
