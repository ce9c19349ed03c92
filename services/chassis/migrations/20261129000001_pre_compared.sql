-- migrate:up

-- Where this store was when it was last compared with what our topics have: the start of its server and the file of
-- this table. Anywhere else, which may be a backup, nothing is folded or numbered before that is done again.
ALTER TABLE store_mark ADD COLUMN place text NOT NULL DEFAULT '';

-- migrate:down

ALTER TABLE store_mark DROP COLUMN place;
