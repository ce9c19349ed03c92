-- migrate:up

-- What lists show of a case; one row for each case that has been opened, written with its picture.
CREATE TABLE case_row (
    "case" text PRIMARY KEY,
    jurisdiction text NOT NULL,
    procedure text NOT NULL,
    state text NOT NULL,
    held boolean NOT NULL,
    consignment text,
    version bigint NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX case_row_list ON case_row (jurisdiction, state, "case");
CREATE INDEX case_row_consignment ON case_row (consignment);

-- migrate:down

DROP TABLE case_row;
