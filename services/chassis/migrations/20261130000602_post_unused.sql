-- migrate:up
ALTER TABLE store_mark DROP COLUMN place;
DROP TABLE stepped_clock;

-- migrate:down
ALTER TABLE store_mark ADD COLUMN place text NOT NULL DEFAULT '';
CREATE TABLE stepped_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    instant timestamptz NOT NULL
);
