-- migrate:up

-- A worker takes all rows of the subjects of its page. Customs has had this index before.
CREATE INDEX IF NOT EXISTS unsettled_subject ON unsettled (subject);

-- migrate:down

-- It goes with its table; in customs before, by the migration that made it.
SELECT;
