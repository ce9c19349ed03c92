-- migrate:up

-- Old rows are found by their age; they lie in the order in which they were written.
CREATE INDEX history_age ON history USING brin (recorded_from) WITH (pages_per_range = 32, autosummarize = on);

-- migrate:down

DROP INDEX history_age;
