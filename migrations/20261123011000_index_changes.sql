-- What changed since a revision is asked at every commit, and must cost by the change and not by the city.

-- What a revision wrote.
create index parcel_version_revision on parcel_version (revision);
create index parcel_place_revision on parcel_place (revision);
create index building_revision on building (revision);
create index contract_revision on contract (revision);
create index zone_version_revision on zone_version (revision);

-- What it closed: closing leaves the revision that wrote the row.
create index parcel_version_closed on parcel_version (upper(recorded)) where not upper_inf(recorded);
create index building_closed on building (upper(recorded)) where not upper_inf(recorded);
create index contract_closed on contract (upper(recorded)) where not upper_inf(recorded);
create index zone_version_closed on zone_version (upper(recorded)) where not upper_inf(recorded);

-- The versions of one parcel; the exclusion constraint finds them too, through a tree ten times as deep.
create index parcel_version_parcel on parcel_version (parcel_id);
