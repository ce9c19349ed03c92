-- migrate:up

-- When the broker first took a revision: who came first is decided by it, and a restore or a replay gives it again.
ALTER TABLE event ADD COLUMN received_at timestamptz;
UPDATE event SET received_at = recorded_at;
ALTER TABLE event ALTER COLUMN received_at SET NOT NULL;
-- For a copy of an earlier build, which does not name it.
ALTER TABLE event ALTER COLUMN received_at SET DEFAULT now();

-- The log-append time of a record, in milliseconds, so that its replay is received when the record was.
ALTER TABLE dead_letter ADD COLUMN appended_ms bigint;
UPDATE dead_letter SET appended_ms = extract(epoch FROM recorded_at) * 1000;
ALTER TABLE dead_letter ALTER COLUMN appended_ms SET NOT NULL;
ALTER TABLE dead_letter ALTER COLUMN appended_ms SET DEFAULT extract(epoch FROM now()) * 1000;

-- migrate:down

ALTER TABLE event DROP COLUMN received_at;
ALTER TABLE dead_letter DROP COLUMN appended_ms;
