-- Put the rows of small tables in the order of their keys: the same records leave the same dump, whatever the order
-- in which they were saved.
SET LOCAL lock_timeout = '1s';
CLUSTER movies USING movies_pkey;
CLUSTER people USING people_pkey;
CLUSTER credits USING credits_pkey;
CLUSTER akas USING akas_pkey;
CLUSTER charts USING charts_pkey;
