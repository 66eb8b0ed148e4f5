-- Each state of a life with the rule that led to it and with the money that this moved.

alter table parcel_state
    add column rule jsonb check (jsonb_typeof(rule) = 'object' and rule ? 'id' and rule ? 'version'),
    add column money jsonb check (jsonb_typeof(money) = 'array'),
    add constraint parcel_state_rule_and_money check ((rule is null) = (money is null));
comment on column parcel_state.rule is 'The rule by which the parcel came into the state: id and version of the move, its legal trigger and source, and the rule values of the day that it rests on, as quoted then. Null where it was recorded before rules were kept: unknown.';
comment on column parcel_state.money is 'What the deed costs or gives back: kind, amount in fen (null where facts to reckon it are missing) and whether that was reckoned, is the most that it may be, or was stated. Empty where nothing is due by what is known; null where it was recorded before money was kept: unknown.';
