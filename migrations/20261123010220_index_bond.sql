-- As for contracts: whoever asks for one parcel asks for any time.

drop index bond_contract;
create index bond_contract on bond (contract);
drop index obligation_act_obligation;
create index obligation_act_obligation on obligation_act (obligation);
