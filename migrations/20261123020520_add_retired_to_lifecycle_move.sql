-- A parcel that is retired without successor leaves its state as one that is split or merged does, and for another.
insert into lifecycle_move (from_state, deed, to_state)
select from_state, 'retire', 'retired' from lifecycle_move where deed = 'succeed';
