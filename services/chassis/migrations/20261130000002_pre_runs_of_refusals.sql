-- migrate:up

-- How many records a dead letter stands for: those right behind it that were refused for the same reason.
ALTER TABLE dead_letter ADD COLUMN count int NOT NULL DEFAULT 1;

-- migrate:down

ALTER TABLE dead_letter DROP COLUMN count;
