-- migrate:up

-- What a token may do and until when. A session of a browser is a token of its own, which ends with the one that it
-- was opened with.
ALTER TABLE token
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{report,read,operate}'
        CHECK (scopes <@ '{report,read,operate}' AND scopes <> '{}'),
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN parent bytea REFERENCES token ON DELETE CASCADE;
CREATE INDEX token_parent ON token (parent) WHERE parent IS NOT NULL;

-- migrate:down

DELETE FROM token WHERE parent IS NOT NULL;
DROP INDEX token_parent;
ALTER TABLE token DROP COLUMN scopes, DROP COLUMN expires_at, DROP COLUMN parent;
