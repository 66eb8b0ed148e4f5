-- Where buildings stand bears no revision: what a revision changed is told by the moment at which it was recorded.
create index building_part_opened on building_part (lower(recorded));
create index building_part_closed on building_part (upper(recorded)) where not upper_inf(recorded);
