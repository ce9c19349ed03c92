-- migrate:up

-- Who worked on dead letters: replays and discards, each with the filter that chose them.
CREATE TABLE dead_letter_action (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    by text NOT NULL,
    action text NOT NULL CHECK (action IN ('replay', 'discard')),
    filter jsonb NOT NULL,
    reason text,
    found int NOT NULL DEFAULT 0,
    resolved int NOT NULL DEFAULT 0
);

-- `resolution` is null while a dead letter waits; `attempts` counts replays that failed.
ALTER TABLE dead_letter
    ADD COLUMN attempts int NOT NULL DEFAULT 0,
    ADD COLUMN resolution text CHECK (resolution IN ('replayed', 'discarded')),
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN last_action bigint;
CREATE INDEX dead_letter_quarantined ON dead_letter (topic, party)
    WHERE reason = 'quarantined' AND resolution IS NULL;

-- migrate:down

DROP INDEX dead_letter_quarantined;
ALTER TABLE dead_letter DROP COLUMN attempts, DROP COLUMN resolution, DROP COLUMN resolved_at, DROP COLUMN last_action;
DROP TABLE dead_letter_action;
