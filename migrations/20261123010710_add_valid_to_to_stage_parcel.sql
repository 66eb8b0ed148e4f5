-- A correction of days that lie behind the newest version says how far it reaches.

alter table stage_parcel add column valid_to date;
comment on column stage_parcel.valid_to is 'First day after those that the row speaks of, as the file has it; null for all days from valid_from on.';
