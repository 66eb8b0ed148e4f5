-- An explanation says how a parcel stands among its peers and what lifts it a grade: the score of the last that has the
-- better grade, which is a rank.

alter table review_result add column peers_ahead integer;
comment on column review_result.peers_ahead is 'How many of its peers score higher; null for T, and in runs made before it was kept.';
create index review_result_rank on review_result (run_id, rank) where rank is not null;
