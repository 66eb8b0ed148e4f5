-- What came of a yearly obligation in each of its years, and of which year a decision is.

create table obligation_year (
    id bigint generated always as identity primary key,
    obligation text not null,
    year integer not null,
    recorded tstzrange not null check (not isempty(recorded)),
    met_on date,
    achieved numeric(18, 6),
    revision bigint not null references revision,
    check (num_nonnulls(met_on, achieved) > 0),
    constraint obligation_year_overlap
        exclude using gist (hashtextextended(obligation, 0) with =, year with =, recorded with &&)
);
comment on table obligation_year is 'What came of a yearly obligation in one year, as far as anybody recorded it: years are judged singly. The year belongs to the key, so there is no other valid time.';
comment on column obligation_year.id is 'Row number, of no meaning outside.';
comment on column obligation_year.obligation is 'Number of the obligation.';
comment on column obligation_year.year is 'The year in which it fell due.';
comment on column obligation_year.recorded is 'Times at which this was what the register believed.';
comment on column obligation_year.met_on is 'When it was met; null where only the figure is known.';
comment on column obligation_year.achieved is 'The figure reached in the year, in the unit of the obligation; null where only the day is known.';
comment on column obligation_year.revision is 'The revision that wrote this row.';
create index obligation_year_obligation on obligation_year (obligation);

alter table obligation_act
    add column year integer,
    drop constraint obligation_act_overlap,
    add constraint obligation_act_overlap
        exclude using gist (obligation with =, act with =, on_date with =, coalesce(year, 0) with =, recorded with &&);
comment on column obligation_act.year is 'Which year of a yearly obligation was decided about; null where none was named, and the calendar year of the decision is meant.';

alter table stage_obligation
    add column period boolean not null,
    add column year integer;
comment on column stage_obligation.period is 'Whether the row speaks of days of its own alone.';
comment on column stage_obligation.year is 'The one year of which the row speaks; null where it speaks of the obligation.';

create unlogged table stage_obligation_year (like stage_obligation including comments);
comment on table stage_obligation_year is 'Rows that speak of one year of an obligation, taken from stage_obligation; columns as there.';
