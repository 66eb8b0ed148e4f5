-- The same refusals of overlapping versions at a fifth of the cost: a GiST index over long numbers that begin alike took
-- some 115 µs for each row, one over their 64-bit hashes takes some 23. Two numbers of one hash would be taken for one and
-- the second refused; among a million numbers that has a chance of 1 in 40 million.

alter table contract
    drop constraint contract_overlap,
    add constraint contract_overlap
        exclude using gist (hashtextextended(number, 0) with =, valid with &&, recorded with &&);
alter table obligation
    drop constraint obligation_overlap,
    add constraint obligation_overlap
        exclude using gist (hashtextextended(number, 0) with =, valid with &&, recorded with &&);
alter table bond
    drop constraint bond_overlap,
    add constraint bond_overlap
        exclude using gist (hashtextextended(contract || '/' || part, 0) with =, valid with &&, recorded with &&);
