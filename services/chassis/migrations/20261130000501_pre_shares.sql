-- migrate:up

-- What each party's feed has brought on each day (UTC, by receipt).
CREATE TABLE spent (
    party text NOT NULL,
    day date NOT NULL,
    reports bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (party, day)
);
-- The same about each subject, on days on which a party has said much.
CREATE TABLE spent_on (
    party text NOT NULL,
    day date NOT NULL,
    subject text NOT NULL,
    reports bigint NOT NULL,
    PRIMARY KEY (party, day, subject)
);
CREATE INDEX spent_on_day ON spent_on (day);

-- Records of our own topics that were put aside: there should be none, and each look counts them.
CREATE INDEX dead_letter_own ON dead_letter (id) WHERE party IS NULL AND resolution IS NULL;

-- Whose report has caused a record, so that who reads our topics can share out its folding as well.
ALTER TABLE outbox ADD COLUMN party text NOT NULL DEFAULT '';
CREATE TABLE outbox_set_aside (
    LIKE outbox,
    failure text NOT NULL,
    failed_at timestamptz NOT NULL
);
INSERT INTO outbox_set_aside SELECT id, shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, '', failure,
    failed_at FROM outbox_failed;
DROP TABLE outbox_failed;
ALTER TABLE outbox_set_aside RENAME TO outbox_failed;

-- migrate:down

DROP TABLE spent, spent_on;
DROP INDEX dead_letter_own;
ALTER TABLE outbox DROP COLUMN party;
ALTER TABLE outbox_failed DROP COLUMN party;
