-- migrate:up transaction:false

CREATE INDEX CONCURRENTLY case_row_units ON case_row USING gin (units);

-- migrate:down transaction:false

DROP INDEX CONCURRENTLY case_row_units;
