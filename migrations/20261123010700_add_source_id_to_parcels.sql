-- The name that a parcel has with whoever sent it, where that is no parcel code: a provisional code is made for it, and
-- without its own name nobody could find it again in the file it came from.

alter table parcel_version add column source_id text;
comment on column parcel_version.source_id is 'What its sender calls it, where that is another name than its code.';
alter table stage_parcel add column source_id text;
comment on column stage_parcel.source_id is 'source_id of parcel, as the file has it.';
