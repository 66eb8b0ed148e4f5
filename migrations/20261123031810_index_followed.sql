-- The map shows holders and states of life too, so what changed of them since a revision is asked at every commit.

create index parcel_state_revision on parcel_state (revision);
create index parcel_state_closed on parcel_state (upper(recorded)) where not upper_inf(recorded);
create index enterprise_revision on enterprise (revision);
create index enterprise_closed on enterprise (upper(recorded)) where not upper_inf(recorded);
create index contract_holder on contract (holder);
