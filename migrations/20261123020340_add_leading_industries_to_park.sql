-- The leading industries of a park, at most three (seed 003).

alter table park
    add column leading_industries text[] not null default '{}',
    add constraint park_leading_industries check (cardinality(leading_industries) <= 3);
comment on column park.leading_industries is 'Classes of GB/T 4754 that the park leads with, at most three, each of two to four digits; empty where it has named none.';
alter table stage_park add column leading_industries text[];
comment on column stage_park.leading_industries is 'As in park; null where the file does not say, which leaves what is known alone.';
