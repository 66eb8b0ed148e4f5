-- Supplements are followed to what they supplement as it was believed at any time, so the index knows no "now". Beside
-- "now" it would differ by the few contracts that were corrected.
drop index contract_number;
create index contract_number on contract (number);
