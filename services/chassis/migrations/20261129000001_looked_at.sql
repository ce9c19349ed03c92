-- migrate:up

-- When the server was started on which this store was last compared with what our topics have. On another one, which
-- may have come up from a backup, nothing is folded or numbered before that is done again.
ALTER TABLE store_mark ADD COLUMN server timestamptz NOT NULL DEFAULT pg_postmaster_start_time();

-- migrate:down

ALTER TABLE store_mark DROP COLUMN server;
