-- Where buildings stand changes the floor area of parcels, and is asked for as every other change is.
create index building_part_begun on building_part (lower(recorded));
create index building_part_closed on building_part (upper(recorded)) where not upper_inf(recorded);
