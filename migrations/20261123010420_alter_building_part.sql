-- A part says which revision wrote it, and a map finds by that what changed since it was drawn.

alter table building_part add column revision bigint references revision;
comment on column building_part.revision is 'The revision that wrote this row.';
update building_part t set revision = (select id from revision where recorded_at <= lower(t.recorded) order by id desc limit 1);
alter table building_part alter column revision set not null;
create index building_part_revision on building_part (revision);
create index building_part_closed on building_part (upper(recorded)) where not upper_inf(recorded);
