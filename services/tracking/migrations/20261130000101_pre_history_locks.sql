-- migrate:up

-- Who may see what a list shows of a subject: whoever has a key to one of its locks, or to one of what it is in.
-- Rows of before are for control rooms alone.
ALTER TABLE history
    ADD COLUMN locks text[] NOT NULL DEFAULT '{all}',
    ADD COLUMN within text[] NOT NULL DEFAULT '{}';

-- migrate:down

ALTER TABLE history DROP COLUMN locks, DROP COLUMN within;
