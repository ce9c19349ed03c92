-- migrate:up

-- Feed items. An item has no number when it is written: the sequencer numbers what has been committed, so a
-- cursor over the numbers can never pass one that is still to come.
CREATE TABLE item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item uuid NOT NULL UNIQUE,
    party text NOT NULL,
    shard smallint NOT NULL,
    sequence bigint,
    previous_sequence bigint,
    entity text NOT NULL,
    subject text NOT NULL,
    fact text NOT NULL,
    action text NOT NULL,
    supersedes uuid,
    content jsonb NOT NULL,
    alert boolean NOT NULL,
    late boolean NOT NULL,
    traceparent text,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX item_unnumbered ON item (id) WHERE sequence IS NULL;
CREATE UNIQUE INDEX item_feed ON item (party, sequence) WHERE sequence IS NOT NULL;

-- The last number given to each party.
CREATE TABLE feed (
    party text PRIMARY KEY,
    sequence bigint NOT NULL
);

-- What lists show of a subject, and to whom.
CREATE TABLE subject_row (
    subject text PRIMARY KEY,
    kind text NOT NULL,
    status text NOT NULL,
    point text,
    moving boolean,
    observed_at timestamptz,
    reported_by text,
    confidence text,
    exceptions int NOT NULL,
    parties text[] NOT NULL,
    header jsonb NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX subject_row_parties ON subject_row USING gin (parties);

-- The parties that audiences were last worked out with.
CREATE TABLE audience (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    digest text NOT NULL
);

-- migrate:down

DROP TABLE audience, subject_row, feed, item;
