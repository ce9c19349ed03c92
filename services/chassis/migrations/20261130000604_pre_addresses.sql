-- migrate:up

-- A record for several topics: its topics, each with the members that its body has there alone.
ALTER TABLE outbox ADD COLUMN addresses jsonb;
-- The lowest number of a feed in the record, until it has been sent.
ALTER TABLE outbox ADD COLUMN number bigint;
CREATE INDEX outbox_number ON outbox (number) WHERE number IS NOT NULL;
ALTER TABLE outbox_failed ADD COLUMN addresses jsonb;
ALTER TABLE outbox_failed ADD COLUMN number bigint;

-- migrate:down

ALTER TABLE outbox_failed DROP COLUMN number;
ALTER TABLE outbox_failed DROP COLUMN addresses;
ALTER TABLE outbox DROP COLUMN number;
ALTER TABLE outbox DROP COLUMN addresses;
