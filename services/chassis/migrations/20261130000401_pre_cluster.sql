-- migrate:up

-- The Kafka of which positions, topic ids and what waits in the outbox speak; none before a copy has met one.
CREATE TABLE cluster (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    id text NOT NULL
);

-- migrate:down

DROP TABLE cluster;
