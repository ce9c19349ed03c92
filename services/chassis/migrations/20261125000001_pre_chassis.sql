-- migrate:up

-- Where each partition is read from next. topic_id tells a topic made anew from the one before.
CREATE TABLE position (
    topic text NOT NULL,
    partition int NOT NULL,
    topic_id text NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    PRIMARY KEY (topic, partition)
);

-- One row for each identity, for ever: this is the dedupe. It holds the newest revision read so far.
CREATE TABLE head (
    source text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    updated_at timestamptz NOT NULL,
    content_hash bytea NOT NULL,
    revisions int NOT NULL DEFAULT 0,
    PRIMARY KEY (source, event_id)
);

-- Every revision, with its data as received.
CREATE TABLE event (
    source text NOT NULL,
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    party text NOT NULL,
    standing text NOT NULL,
    updated_at timestamptz NOT NULL,
    retracted boolean NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    PRIMARY KEY (source, event_id, content_hash)
);

-- One row for each entity of our own topics, the highest version winning.
CREATE TABLE replica (
    entity text PRIMARY KEY,
    type text NOT NULL,
    version bigint NOT NULL,
    body bytea NOT NULL
);

-- Which subjects an event (or a replica: source is then the topic) names, and which other subject's picture
-- they read because of it ('' for none). Rows are never taken away: one that no longer holds costs a fold.
CREATE TABLE link (
    subject text NOT NULL,
    reads text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL,
    PRIMARY KEY (subject, source, event_id, reads)
);
CREATE INDEX link_reads ON link (reads, subject) WHERE reads <> '';
CREATE INDEX link_event ON link (source, event_id);

-- What is to be folded (expand false) or to be handed on to the dependents of a subject (expand true).
CREATE TABLE unsettled (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    expand boolean NOT NULL DEFAULT false,
    priority smallint NOT NULL DEFAULT 0,
    cause text NOT NULL,
    traceparent text,
    attempts int NOT NULL DEFAULT 0,
    not_before timestamptz
);
CREATE INDEX unsettled_order ON unsettled (priority, id);

-- The folded state of a subject. `published` maps each entity published from it to its version and content hash;
-- sent_at is when any was last put in the outbox, in real time.
CREATE TABLE picture (
    subject text PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    recorded_at timestamptz,
    content jsonb,
    content_hash bytea,
    shared jsonb,
    shared_hash bytea,
    memory jsonb,
    published jsonb NOT NULL DEFAULT '{}',
    parked jsonb NOT NULL DEFAULT '[]',
    due timestamptz,
    sent_at timestamptz,
    fold int NOT NULL DEFAULT 0,
    data int NOT NULL DEFAULT 0
);
CREATE INDEX picture_due ON picture (due) WHERE due IS NOT NULL;
CREATE INDEX picture_sent ON picture (sent_at) WHERE sent_at IS NOT NULL;

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    ce_id text NOT NULL,
    ce_type text NOT NULL,
    ce_subject text NOT NULL,
    traceparent text,
    body bytea NOT NULL
);
-- Rows live for milliseconds; the table is vacuumed by count, not by its share.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE unsettled SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE outbox_failed (
    LIKE outbox,
    failure text NOT NULL,
    failed_at timestamptz NOT NULL
);

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    party text,
    source text,
    event_id text,
    key bytea,
    headers jsonb NOT NULL,
    body bytea,
    reason text NOT NULL,
    path text NOT NULL,
    detail text NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (topic, topic_id, partition, "offset")
);
CREATE INDEX dead_letter_reason ON dead_letter (reason, party);

CREATE TABLE receipt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party text NOT NULL,
    outcome text NOT NULL,
    source text,
    event_id text,
    type text,
    subject text,
    updated_at timestamptz,
    reason text,
    path text,
    detail text,
    topic text,
    partition int,
    "offset" bigint,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX receipt_party ON receipt (party, id);
CREATE INDEX receipt_event ON receipt (party, event_id, id);

-- Who may speak and read; written by provisioning, read by every copy.
CREATE TABLE party (
    party text PRIMARY KEY,
    spec jsonb NOT NULL
);
CREATE TABLE token (
    sha256 bytea PRIMARY KEY,
    party text NOT NULL REFERENCES party,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (party, label)
);

-- The corridor clock of a stepped system, so that a copy that starts anew stands where the others do.
CREATE TABLE stepped_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    instant timestamptz NOT NULL
);

-- migrate:down

DROP TABLE stepped_clock, token, party, receipt, dead_letter, outbox_failed, outbox, picture, unsettled, link,
    replica, event, head, position;
