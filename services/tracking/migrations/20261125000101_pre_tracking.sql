-- migrate:up

-- What lists show of a subject, from when on we knew it: one row for each change of its picture. Lists as known
-- at an instant read the row that was the newest then.
CREATE TABLE history (
    subject text NOT NULL,
    recorded_from timestamptz NOT NULL,
    kind text NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    point text,
    moving boolean,
    observed_at timestamptz,
    code text,
    latest_at timestamptz,
    exceptions int NOT NULL,
    PRIMARY KEY (subject, recorded_from)
);
CREATE INDEX history_kind ON history (kind, subject, recorded_from DESC);

-- migrate:down

DROP TABLE history;
