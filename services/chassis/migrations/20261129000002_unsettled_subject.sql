-- migrate:up

-- A worker takes all rows of the subjects of its page. Customs has had this index before.
CREATE INDEX IF NOT EXISTS unsettled_subject ON unsettled (subject);

-- migrate:down

DROP INDEX IF EXISTS unsettled_subject;
