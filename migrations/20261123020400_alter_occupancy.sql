-- A use may be told in several versions, each for days of its own: the day on which the use itself began names it, and
-- from_on and to_on are the days of a version.

alter table occupancy add column began_on date;
update occupancy set began_on = from_on;
alter table occupancy
    alter column began_on set not null,
    add constraint occupancy_began_on_check check (began_on <= from_on),
    drop constraint occupancy_overlap,
    add constraint occupancy_overlap
        exclude using gist (parcel with =, enterprise with =, role with =, began_on with =, valid with &&, recorded with &&);
comment on column occupancy.began_on is 'Day on which the use began: with parcel, enterprise and role it names the use, of which this is a version.';
comment on column occupancy.from_on is 'First day of this version of the use.';
comment on column occupancy.to_on is 'First day after the last of this version; null while it lasts.';
comment on column occupancy.valid is 'Days of this version of the use: from_on up to, not including, to_on.';

alter table stage_occupancy
    add column valid_from date,
    add column valid_to date,
    add column corrects boolean not null,
    add column period boolean not null;
comment on column stage_occupancy.valid_from is 'First day of the version, as the file has it; null where it corrects the newest.';
comment on column stage_occupancy.valid_to is 'First day after the last of the version, as the file has it; else the end of the use.';
comment on column stage_occupancy.corrects is 'Whether the file named no first day of a version, so that the newest is meant.';
comment on column stage_occupancy.period is 'Whether the row speaks of days of its own alone.';
