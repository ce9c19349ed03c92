-- migrate:up

-- A row of `expand` stood for the subjects that read its own.
INSERT INTO fold_queue (subject, cause, priority, party)
SELECT DISTINCT l.subject, 'dependent', q.priority, q.party
FROM fold_queue AS q JOIN link AS l ON l.reads = q.subject AND l.reads <> '' WHERE q.expand;
DELETE FROM fold_queue WHERE expand;
ALTER TABLE fold_queue DROP COLUMN expand;

-- The subject reads another one from then on.
ALTER TABLE fold_queue ADD COLUMN linked boolean NOT NULL DEFAULT false;
-- The row is due as soon as all transactions below this one have ended, or at `not_before`.
ALTER TABLE fold_queue ADD COLUMN after_xid xid8;

-- migrate:down

ALTER TABLE fold_queue DROP COLUMN after_xid;
ALTER TABLE fold_queue DROP COLUMN linked;
ALTER TABLE fold_queue ADD COLUMN expand boolean NOT NULL DEFAULT false;
