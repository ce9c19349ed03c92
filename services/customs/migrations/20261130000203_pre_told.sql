-- migrate:up

-- What the customs of each country were told last of each entity, as their topic has it. `number` is its place in the
-- country's feed of changes; what has changed since has none, until somebody asks.
CREATE TABLE told (
    country text NOT NULL,
    entity text NOT NULL,
    type text NOT NULL,
    version bigint NOT NULL,
    body bytea NOT NULL,
    number bigint,
    PRIMARY KEY (country, entity)
);
CREATE UNIQUE INDEX told_number ON told (country, number) WHERE number IS NOT NULL;
CREATE INDEX told_unnumbered ON told (country, version, entity) WHERE number IS NULL;

-- The containers and wagons of a case: who may read them finds it by them.
ALTER TABLE case_row ADD COLUMN units text[] NOT NULL DEFAULT '{}';

-- migrate:down

ALTER TABLE case_row DROP COLUMN units;
DROP TABLE told;
