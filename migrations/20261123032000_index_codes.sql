-- Features are handed out page by page in the order of their codes' letters, each page beginning where the last one ended.
create index parcel_code_letters on parcel (code collate "C");
create index zone_version_letters on zone_version (code collate "C") where upper_inf(recorded);
create index building_letters on building (code collate "C") where upper_inf(recorded);
create index contract_letters on contract (number collate "C") where upper_inf(recorded);
