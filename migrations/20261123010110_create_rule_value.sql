-- Rule values in two times: since when each is law, and since when this register reckons with it.

create table rule_value (
    id bigint generated always as identity primary key,
    key text not null,
    valid daterange not null check (not isempty(valid)),
    recorded tstzrange not null check (not isempty(recorded)),
    title_zh text not null,
    title_en text not null,
    value double precision not null,
    unit text not null,
    source text not null check (source <> ''),
    assumption boolean not null,
    revision bigint not null references revision,
    constraint rule_value_overlap exclude using gist (key with =, valid with &&, recorded with &&)
);
comment on table rule_value is 'Values of the rulebook in two times. They come with the program; a new version of a value is recorded with the first act that reckons with it.';
comment on column rule_value.id is 'Row number, of no meaning outside.';
comment on column rule_value.key is 'Key of the value, the same in all its versions.';
comment on column rule_value.valid is 'Days on which the value is in force.';
comment on column rule_value.recorded is 'Times at which this was what the register reckoned with.';
comment on column rule_value.title_zh is 'What it says, in Chinese.';
comment on column rule_value.title_en is 'What it says, in English.';
comment on column rule_value.value is 'The number, in the unit beside it.';
comment on column rule_value.unit is 'Its unit, a word of the rulebook.';
comment on column rule_value.source is 'The document it was read in, or why it is an assumption.';
comment on column rule_value.assumption is 'Whether it is landcycle''s own proposal rather than a rule that was read.';
comment on column rule_value.revision is 'The revision that wrote this version.';
