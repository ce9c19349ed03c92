-- migrate:up transaction:false

CREATE INDEX CONCURRENTLY case_row_units ON case_row USING gin (units);

-- migrate:down

DROP INDEX case_row_units;
