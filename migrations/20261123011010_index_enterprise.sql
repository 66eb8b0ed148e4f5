-- A dossier names the enterprises of a parcel as they were known at any time; the index on those of now serves none of
-- them, and a city has hundreds of thousands.
create index enterprise_code on enterprise (code);
