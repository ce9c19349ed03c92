-- migrate:up

-- Who may see a case: it is found by whoever has a key to one of its locks. Rows of before are written again as newer
-- code draws their cases; until then they are seen by nobody.
ALTER TABLE case_row ADD COLUMN locks text[] NOT NULL DEFAULT '{}';

-- migrate:down

ALTER TABLE case_row DROP COLUMN locks;
