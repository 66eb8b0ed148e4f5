-- Occupancies in two times: the days of use are the valid time, and no two versions of one occupancy may be believed at
-- once.

alter table occupancy add column valid daterange generated always as (daterange(from_on, to_on)) stored;
comment on column occupancy.valid is 'Days of use: from_on up to, not including, to_on.';
drop index occupancy_current;
alter table occupancy add constraint occupancy_overlap
    exclude using gist (parcel with =, enterprise with =, role with =, from_on with =, valid with &&, recorded with &&);
-- Whoever asks for one parcel asks for any time, so the index knows no "now".
create index occupancy_parcel on occupancy (parcel);
create index occupancy_enterprise on occupancy (enterprise);
