-- A share of an enterprise's figures that someone states for a parcel, in place of the share by floor area and days.

alter table occupancy
    add column share double precision check (share >= 0 and share <= 1),
    add column share_reason text check (share_reason <> ''),
    add constraint occupancy_share_has_a_reason check ((share is null) = (share_reason is null));
comment on column occupancy.share is 'Stated share of the enterprise''s yearly figures that belongs to this use while it lasts, 0 to 1; null where floor area and days decide.';
comment on column occupancy.share_reason is 'Why the share is stated, with the document; null where none is.';

alter table stage_occupancy add column share double precision, add column share_reason text;
comment on column stage_occupancy.share is 'share of occupancy, as the file has it.';
comment on column stage_occupancy.share_reason is 'share_reason of occupancy, as the file has it.';

-- Whoever asks for the figures of one parcel asks for any time, so the indexes know no "now".
create index annual_return_enterprise on annual_return (enterprise);
create index enterprise_code_at_any_time on enterprise (code);
