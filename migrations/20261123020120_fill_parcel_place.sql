-- Where parcels stand was worked out by the former rule, by which a community drawn over a locked base took its lock away.
-- Without a word on the law it was worked out by, all of it is worked out anew at the next occasion.

delete from tier_law;
