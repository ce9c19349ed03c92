-- The statements of the last release. `python -m corridor schema release` writes them.
-- It knows the migrations up to 20261130000701.

-- services.chassis.base.clock_steps._LOAD
SELECT instant, at FROM clock_step ORDER BY instant
;

-- services.chassis.base.clock_steps._SAVE
INSERT INTO clock_step (instant, at) VALUES ($1, $2) ON CONFLICT DO NOTHING
;

-- services.chassis.base.migrate._DONE
SELECT version, checksum, post FROM schema_migrations
;

-- services.chassis.base.migrate._HAS_TABLE
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') AND attname = 'post')
;

-- services.chassis.base.migrate._RECORD
INSERT INTO schema_migrations (version, checksum, post) VALUES ($1, $2, $3)
;

-- services.chassis.base.parties._ALL_PARTIES
SELECT party, spec FROM party
;

-- services.chassis.base.parties._REMOVE_PARTIES
DELETE FROM party WHERE party <> ALL ($1::text[]) RETURNING party
;

-- services.chassis.base.parties._REMOVE_TOKENS
DELETE FROM token WHERE party <> ALL ($1::text[])
;

-- services.chassis.base.parties._REPLACE_TOKEN
DELETE FROM token WHERE party = $1 AND label = $2 AND sha256 <> $3
;

-- services.chassis.base.parties._SAVE_PARTY
INSERT INTO party (party, spec) VALUES ($1, $2::jsonb) ON CONFLICT (party) DO UPDATE SET spec = EXCLUDED.spec
;

-- services.chassis.base.parties._SAVE_TOKEN
INSERT INTO token (sha256, party, label, created_at, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (sha256) DO NOTHING
;

-- services.chassis.base.restore_detection._FIND
SELECT value, (
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system()) AS server FROM store_mark
;

-- services.chassis.base.restore_detection._RAISE
UPDATE store_mark AS m SET value = greatest(m.value + 1, $1)
FROM (SELECT value FROM store_mark FOR UPDATE) AS before
WHERE $2 IN ('', (
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system()))
RETURNING before.value AS found, m.value AS left
;

-- services.chassis.base.restore_detection._WANT
INSERT INTO recovery_task AS r (since, noticed) VALUES ($1, $2)
ON CONFLICT (single) DO UPDATE
SET since = least(r.since, EXCLUDED.since), noticed = EXCLUDED.noticed, until = '-infinity'
;

-- services.chassis.base.session_lock._NAMED
SELECT DISTINCT application_name FROM pg_stat_activity
WHERE datname = current_database() AND starts_with(application_name, $1) ORDER BY 1
;

-- services.chassis.base.tokens._END
DELETE FROM token WHERE sha256 = $1
;

-- services.chassis.base.tokens._EXPIRE
UPDATE token SET expires_at = least(expires_at, $3) WHERE party = $1 AND parent IS NULL AND label <> $2
;

-- services.chassis.base.tokens._FIND
SELECT t.party, t.label, t.scopes, t.parent FROM token t LEFT JOIN token p ON p.sha256 = t.parent
WHERE t.sha256 = $1 AND (t.expires_at IS NULL OR t.expires_at > $2) AND (p.expires_at IS NULL OR p.expires_at > $2)
;

-- services.chassis.base.tokens._FORGET_SESSIONS
DELETE FROM token WHERE sha256 IN (
    SELECT sha256 FROM (
        SELECT sha256, expires_at, row_number() OVER (ORDER BY created_at DESC) AS nth FROM token WHERE parent = $1
    ) AS sessions WHERE expires_at <= $2 OR nth >= $3
)
;

-- services.chassis.base.tokens._LIST
SELECT t.party, t.label, t.scopes, t.created_at, t.expires_at,
       (SELECT count(*) FROM token s WHERE s.parent = t.sha256) AS sessions
FROM token t WHERE t.parent IS NULL AND ($1::text IS NULL OR t.party = $1) ORDER BY t.party, t.created_at, t.label
;

-- services.chassis.base.tokens._OPEN_SESSION
SELECT label, expires_at FROM token WHERE sha256 = ANY ($1::bytea[]) AND parent = $2 AND expires_at > $3 LIMIT 1
;

-- services.chassis.base.tokens._RENEW
UPDATE token s SET expires_at = least(p.expires_at, $2::timestamptz) FROM token p
WHERE s.sha256 = $1 AND p.sha256 = s.parent RETURNING s.expires_at
;

-- services.chassis.base.tokens._REVOKE
UPDATE token SET expires_at = $3
WHERE party = $1 AND parent IS NULL AND ($2::text IS NULL OR label = $2) AND (expires_at IS NULL OR expires_at > $3)
RETURNING label
;

-- services.chassis.base.tokens._SAVE_SESSION
INSERT INTO token (sha256, party, label, created_at, scopes, expires_at, parent)
SELECT $1, party, $2, $3, '{read}', least(expires_at, $4::timestamptz), sha256 FROM token WHERE sha256 = $5
RETURNING expires_at
;

-- services.chassis.dead_letters.letters._ACTIONS
SELECT * FROM dead_letter_action ORDER BY id DESC LIMIT $1
;

-- services.chassis.dead_letters.letters._BEGIN
INSERT INTO dead_letter_action (at, by, action, filter, reason) VALUES ($1, $2, $3, $4::jsonb, $5) RETURNING id
;

-- services.chassis.dead_letters.letters._COUNT
SELECT reason, party, count(*) AS number, min(recorded_at) AS oldest, max(recorded_at) AS newest
FROM dead_letter WHERE 
($1::bigint[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR reason = $2) AND ($3::text IS NULL OR party = $3)
AND ($4::text IS NULL OR topic = $4) AND ($5::timestamptz IS NULL OR recorded_at >= $5)
AND ($6::timestamptz IS NULL OR recorded_at < $6) AND ($7 OR resolution IS NULL)
 GROUP BY reason, party ORDER BY number DESC, reason, party
;

-- services.chassis.dead_letters.letters._END
UPDATE dead_letter_action SET found = $2, resolved = $3 WHERE id = $1
;

-- services.chassis.dead_letters.letters._HISTORY
SELECT a.at, a.by, a.action, a.reason FROM dead_letter_action a JOIN dead_letter d ON d.last_action = a.id
WHERE d.id = $1
;

-- services.chassis.dead_letters.letters._IDS
SELECT id FROM dead_letter WHERE 
($1::bigint[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR reason = $2) AND ($3::text IS NULL OR party = $3)
AND ($4::text IS NULL OR topic = $4) AND ($5::timestamptz IS NULL OR recorded_at >= $5)
AND ($6::timestamptz IS NULL OR recorded_at < $6) AND ($7 OR resolution IS NULL)
 AND attempts < $8 ORDER BY id
;

-- services.chassis.dead_letters.letters._LIST
SELECT id, topic, partition, "offset", party, source, event_id, reason, path, detail, recorded_at, attempts, resolution,
       resolved_at, octet_length(body) AS size
FROM dead_letter WHERE 
($1::bigint[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR reason = $2) AND ($3::text IS NULL OR party = $3)
AND ($4::text IS NULL OR topic = $4) AND ($5::timestamptz IS NULL OR recorded_at >= $5)
AND ($6::timestamptz IS NULL OR recorded_at < $6) AND ($7 OR resolution IS NULL)
 AND id > $8 ORDER BY id LIMIT $9
;

-- services.chassis.dead_letters.letters._SHOW
SELECT * FROM dead_letter WHERE id = $1
;

-- services.chassis.dead_letters.replay._FAILED
UPDATE dead_letter SET attempts = attempts + 1, reason = $2, path = $3, detail = $4, last_action = $5 WHERE id = $1
;

-- services.chassis.dead_letters.replay._RESOLVE
UPDATE dead_letter SET resolution = $2, resolved_at = $3, last_action = $4 WHERE id = $1
;

-- services.chassis.dead_letters.replay._TAKE
SELECT * FROM dead_letter WHERE id = $1 AND resolution IS NULL FOR UPDATE
;

-- services.chassis.ingest.answers._INSERT_DEAD
INSERT INTO dead_letter (topic, topic_id, partition, "offset", appended_ms, party, source, event_id, key, headers,
                         body, reason, path, detail, count, recorded_at)
SELECT *, $16::timestamptz FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[],
    $7::text[], $8::text[], $9::bytea[], $10::jsonb[], $11::bytea[], $12::text[], $13::text[], $14::text[],
    $15::int[])
ON CONFLICT DO NOTHING
;

-- services.chassis.ingest.daily._SPEND
INSERT INTO spent AS s (party, day, reports, bytes)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[]) AS u (party, day, reports, bytes) ORDER BY 1, 2
ON CONFLICT (party, day) DO UPDATE SET reports = s.reports + EXCLUDED.reports, bytes = s.bytes + EXCLUDED.bytes
RETURNING new.party, new.day, coalesce(old.reports, 0) AS reports, coalesce(old.bytes, 0) AS bytes
;

-- services.chassis.ingest.daily._SPEND_ON
INSERT INTO spent_on AS s (party, day, subject, reports)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::bigint[]) AS u (party, day, subject, reports)
ORDER BY 1, 2, 3
ON CONFLICT (party, day, subject) DO UPDATE SET reports = s.reports + EXCLUDED.reports
RETURNING new.party, new.day, new.subject, coalesce(old.reports, 0) AS reports
;

-- services.chassis.ingest.facts._INSERT_EVENTS
INSERT INTO event (source, event_id, content_hash, type, subject, party, standing, updated_at, retracted, body,
                   topic, partition, "offset", received_at, recorded_at)
SELECT *, $15::timestamptz
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
            $9::boolean[], $10::bytea[], $11::text[], $12::int[], $13::bigint[], $14::timestamptz[])
ON CONFLICT DO NOTHING
RETURNING source, event_id, content_hash
;

-- services.chassis.ingest.facts._INSERT_LINKS
INSERT INTO link (subject, reads, source, event_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ORDER BY 1, 3, 4, 2
ON CONFLICT DO NOTHING
RETURNING subject, reads, event_id
;

-- services.chassis.ingest.facts._KNOWN_REVISIONS
SELECT e.* FROM unnest($1::text[], $2::text[]) AS u (source, event_id), LATERAL (
    SELECT source, event_id, content_hash FROM event
    WHERE source = u.source AND event_id = u.event_id OFFSET 0) AS e
;

-- services.chassis.ingest.facts._LINKED
SELECT DISTINCT u.subject FROM unnest($1::text[], $2::text[]) AS u (subject, reads)
WHERE u.reads <> '' AND NOT EXISTS (
    SELECT FROM link AS l WHERE l.reads = u.reads AND l.reads <> '' AND l.subject = u.subject OFFSET 0)
;

-- services.chassis.ingest.facts._LOCK_HEADS
INSERT INTO head AS h (source, event_id, type, subject, updated_at, content_hash, revisions)
SELECT source, event_id, type, subject, updated_at, content_hash, records
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[], $7::int[])
    AS u (source, event_id, type, subject, updated_at, content_hash, records) ORDER BY 1, 2
ON CONFLICT (source, event_id) DO UPDATE SET
    subject = CASE WHEN EXCLUDED.type = h.type AND EXCLUDED.updated_at > h.updated_at
        THEN EXCLUDED.subject ELSE h.subject END,
    content_hash = CASE WHEN EXCLUDED.type = h.type AND EXCLUDED.updated_at > h.updated_at
        THEN EXCLUDED.content_hash ELSE h.content_hash END,
    updated_at = CASE WHEN EXCLUDED.type = h.type
        THEN greatest(EXCLUDED.updated_at, h.updated_at) ELSE h.updated_at END,
    revisions = h.revisions + EXCLUDED.revisions
RETURNING new.source, new.event_id, new.type, old.updated_at AS known_at, old.content_hash AS known_hash, new.revisions
;

-- services.chassis.ingest.facts._NAMED_BEFORE
SELECT DISTINCT l.subject
FROM unnest($1::text[], $2::text[]) AS u (source, event_id), LATERAL (
    SELECT subject FROM link WHERE source = u.source AND event_id = u.event_id OFFSET 0) AS l
;

-- services.chassis.ingest.facts._PUT_HEADS_BACK
UPDATE head AS h SET updated_at = e.updated_at, content_hash = e.content_hash, subject = e.subject
FROM unnest($1::text[], $2::text[]) AS u (source, event_id), LATERAL (
    SELECT updated_at, content_hash, subject FROM event
    WHERE source = u.source AND event_id = u.event_id ORDER BY updated_at DESC LIMIT 1) AS e
WHERE h.source = ANY($1) AND h.source = u.source AND h.event_id = u.event_id
;

-- services.chassis.ingest.facts._REPLACE_REPLICAS
INSERT INTO replica AS r (entity, type, version, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) AS u (entity, type, version, body) ORDER BY 1
ON CONFLICT (entity) DO UPDATE SET type = EXCLUDED.type, version = EXCLUDED.version, body = EXCLUDED.body
WHERE EXCLUDED.version > r.version
RETURNING entity
;

-- services.chassis.ingest.positions._ADVANCE
UPDATE position AS p SET next_offset = u.next
FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[])
    AS u (topic, partition, topic_id, expected, next)
WHERE p.topic = u.topic AND p.partition = u.partition AND p.topic_id = u.topic_id AND p.next_offset = u.expected
;

-- services.chassis.ingest.positions._OPEN
INSERT INTO position AS p (topic, partition, topic_id, next_offset)
SELECT topic, partition, topic_id, 0
FROM unnest($1::text[], $2::int[], $3::text[]) AS u (topic, partition, topic_id) ORDER BY 1, 2
ON CONFLICT (topic, partition) DO UPDATE
SET topic_id = EXCLUDED.topic_id,
    next_offset = CASE WHEN p.topic_id = EXCLUDED.topic_id THEN p.next_offset ELSE 0 END
RETURNING topic, partition, topic_id, next_offset
;

-- services.chassis.ingest.positions._STORED
SELECT topic, partition, next_offset FROM position WHERE topic = ANY($1::text[])
;

-- services.chassis.ingest.quarantine._COUNT
SELECT topic, count(*) AS number FROM dead_letter WHERE reason = 'quarantined' AND resolution IS NULL GROUP BY topic
;

-- services.chassis.kafka.cluster._BELONG
INSERT INTO cluster (id) VALUES ($1) ON CONFLICT DO NOTHING
;

-- services.chassis.kafka.cluster._FIND
SELECT id FROM cluster
;

-- services.chassis.kafka.cluster._FORGET
DELETE FROM cluster RETURNING id
;

-- services.chassis.outbox.outgoing._APPEND
INSERT INTO outbox (shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party, addresses, number)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::bytea[], $9::text[], $10::jsonb[], $11::bigint[])
;

-- services.chassis.outbox.receipts._INSERT_RECEIPTS
INSERT INTO receipt (party, outcome, source, event_id, type, subject, updated_at, reason, path, detail, topic,
                     partition, "offset", recorded_at)
SELECT *, $14::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::int[], $13::bigint[])
;

-- services.chassis.outbox.relay._COUNT
SELECT count(*) FROM outbox AS o, 
unnest($1::bigint[], $2::text[], $3::text[]) AS u (id, ce_id, written_by)
WHERE o.id = ANY($1) AND o.id = u.id AND o.ce_id = u.ce_id AND o.xmin::text = u.written_by
;

-- services.chassis.outbox.relay._DELETE
DELETE FROM outbox AS o USING 
unnest($1::bigint[], $2::text[], $3::text[]) AS u (id, ce_id, written_by)
WHERE o.id = ANY($1) AND o.id = u.id AND o.ce_id = u.ce_id AND o.xmin::text = u.written_by
;

-- services.chassis.outbox.relay._HERE
SELECT (extract(epoch FROM pg_postmaster_start_time()) || ' ' || pg_relation_filepath('store_mark'))
;

-- services.chassis.outbox.relay._PAGE
SELECT *, xmin::text AS written_by, (SELECT (extract(epoch FROM pg_postmaster_start_time()) || ' ' || pg_relation_filepath('store_mark'))) AS place FROM outbox
WHERE shard = ANY($1::smallint[]) ORDER BY id LIMIT $2
;

-- services.chassis.outbox.relay._SET_ASIDE
WITH gone AS (DELETE FROM outbox AS o USING 
unnest($1::bigint[], $2::text[], $3::text[]) AS u (id, ce_id, written_by)
WHERE o.id = ANY($1) AND o.id = u.id AND o.ce_id = u.ce_id AND o.xmin::text = u.written_by
 RETURNING o.*)
INSERT INTO outbox_failed (id, shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party, addresses,
                           number, failure, failed_at)
SELECT id, shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party, addresses, number, f.failure, $5
FROM gone JOIN unnest($1::bigint[], $4::text[]) AS f (id, failure) USING (id)
;

-- services.chassis.outbox.relay._TRY_LOCK
SELECT s FROM unnest($2::int[]) s WHERE pg_try_advisory_lock($1, s)
;

-- services.chassis.projection.pictures._ADD
INSERT INTO picture (subject) SELECT * FROM unnest($1::text[]) AS u (subject) ORDER BY 1 ON CONFLICT DO NOTHING
;

-- services.chassis.projection.pictures._LOCK
SELECT subject, version, recorded_at, content_hash, shared_hash, memory, published, parked, due, fold, data
FROM picture WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE
;

-- services.chassis.projection.pictures._LOCK_FREE
SELECT subject, version, recorded_at, content_hash, shared_hash, memory, published, parked, due, fold, data
FROM picture WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE SKIP LOCKED
;

-- services.chassis.projection.pictures._REPLICAS
SELECT entity, type, version, body FROM replica WHERE entity = ANY($1::text[])
;

-- services.chassis.projection.pictures._REVISIONS
SELECT l.subject AS named, e.*
FROM (SELECT DISTINCT subject, source, event_id FROM link WHERE subject = ANY($1::text[])) AS l, LATERAL (
    SELECT source, event_id, content_hash, type, subject, party, standing, updated_at, retracted, body,
           received_at
    FROM event WHERE source = l.source AND event_id = l.event_id OFFSET 0) AS e
;

-- services.chassis.projection.pictures._SAVE
UPDATE picture AS p SET
    version = u.version, recorded_at = u.recorded_at,
    content = coalesce(u.content::jsonb, p.content), content_hash = u.content_hash,
    shared = CASE WHEN u.shared_changed THEN u.shared::jsonb ELSE p.shared END, shared_hash = u.shared_hash,
    memory = u.memory::jsonb, published = u.published::jsonb, parked = u.parked::jsonb, due = u.due,
    sent_at = CASE WHEN u.sent THEN $14 ELSE p.sent_at END, fold = $15, data = $16
FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bytea[], $6::boolean[], $7::text[],
            $8::bytea[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::boolean[])
    AS u (subject, version, recorded_at, content, content_hash, shared_changed, shared, shared_hash, memory,
          published, parked, due, sent)
WHERE p.subject = ANY($1) AND p.subject = u.subject
;

-- services.chassis.projection.pictures._SHARED
SELECT l.subject AS named, p.*
FROM (SELECT DISTINCT subject, reads FROM link WHERE subject = ANY($1::text[]) AND reads <> '') AS l, LATERAL (
    SELECT subject, CASE WHEN shared ? 'parts' THEN shared - 'parts' ELSE shared END AS text,
        shared -> 'parts' -> l.subject AS own
    FROM picture WHERE subject = l.reads AND shared IS NOT NULL OFFSET 0) AS p
;

-- services.chassis.queue.fold_queue._BEHIND_NEWS
WITH RECURSIVE below (root, subject) AS (
    SELECT subject, reads FROM link WHERE subject = ANY($1::text[]) AND reads <> ''
    UNION
    SELECT b.root, l.reads FROM below b, LATERAL (
        SELECT reads FROM link WHERE subject = b.subject AND reads <> '' OFFSET 0) AS l)
SELECT DISTINCT root FROM below b WHERE subject <> root AND (subject = ANY($2::text[]) OR EXISTS (
    SELECT FROM fold_queue u WHERE u.subject = b.subject AND u.attempts = 0
    AND (u.priority < $3 OR u.cause = 'dependent') OFFSET 0))
;

-- services.chassis.queue.fold_queue._DEPENDENTS
SELECT l.subject, min(u.priority) AS priority, min(u.party) AS party
FROM unnest($1::text[], $2::smallint[], $3::text[]) AS u (reads, priority, party), LATERAL (
    SELECT subject FROM link WHERE reads = u.reads AND reads <> '' OFFSET 0) AS l
GROUP BY l.subject
;

-- services.chassis.queue.fold_queue._FIRE
WITH due AS (
    UPDATE picture SET due = NULL WHERE subject = ANY(ARRAY(
        SELECT subject FROM picture WHERE due <= $1 ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING subject)
INSERT INTO fold_queue (subject, cause) SELECT subject, 'due' FROM due
;

-- services.chassis.queue.fold_queue._FREE
SELECT u.subject FROM unnest($1::text[]) AS u (subject)
WHERE (NOT (EXISTS (SELECT FROM recovery_task)) AND ((SELECT value FROM store_mark) >= $2)) AND NOT EXISTS (SELECT FROM fold_queue AS q WHERE q.subject = u.subject OFFSET 0)
;

-- services.chassis.queue.fold_queue._INSERT
INSERT INTO fold_queue (subject, cause, traceparent, attempts, priority, party, linked, not_before)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::smallint[], $6::text[], $7::boolean[],
                     $8::timestamptz[])
;

-- services.chassis.queue.fold_queue._LOOK_AGAIN
INSERT INTO fold_queue (subject, cause, priority, party, not_before, after_xid)
SELECT *, $5::timestamptz, pg_snapshot_xmax(pg_current_snapshot())
FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[])
;

-- services.chassis.queue.fold_queue._OTHERS_WRITE
SELECT EXISTS (SELECT FROM pg_snapshot_xip(pg_current_snapshot()) AS x WHERE x <> pg_current_xact_id())
;

-- services.chassis.queue.fold_queue._QUEUE_OLD
WITH old AS (
    UPDATE picture SET sent_at = $2 WHERE subject = ANY(ARRAY(
        SELECT subject FROM picture WHERE sent_at < $1 ORDER BY sent_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING subject)
INSERT INTO fold_queue (subject, cause, priority) SELECT subject, 'republish', 10 FROM old
;

-- services.chassis.queue.fold_queue._QUEUE_PAGE
WITH page AS (SELECT subject, version, fold, data FROM picture WHERE subject > $1 ORDER BY subject LIMIT $2),
queued AS (
    INSERT INTO fold_queue (subject, cause, priority) SELECT subject, $3, 10 FROM page
    WHERE $4::int IS NULL OR version > 0 AND (fold < $4 OR data < $5))
SELECT max(subject) FROM page
;

-- services.chassis.queue.fold_queue._TAKE
WITH RECURSIVE turn (priority, party) AS (
    (SELECT priority, party FROM fold_queue ORDER BY priority, party LIMIT 1)
    UNION ALL
    SELECT next.priority, next.party FROM turn AS t, LATERAL (
        SELECT priority, party FROM fold_queue WHERE (priority, party) > (t.priority, t.party)
        ORDER BY priority, party LIMIT 1) AS next),
share AS (SELECT priority, party, greatest($1 / count(*) OVER (PARTITION BY priority), 1) AS most FROM turn)
DELETE FROM fold_queue WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM fold_queue WHERE (not_before IS NULL OR not_before <= $2 OR after_xid <= pg_snapshot_xmin(pg_current_snapshot())) AND subject = ANY(ARRAY(
        SELECT page.subject FROM share AS s, LATERAL (
            SELECT id, subject FROM fold_queue
            WHERE priority = s.priority AND party = s.party AND (not_before IS NULL OR not_before <= $2 OR after_xid <= pg_snapshot_xmin(pg_current_snapshot())) AND (NOT (EXISTS (SELECT FROM recovery_task)) AND ((SELECT value FROM store_mark) >= $3))
            ORDER BY id LIMIT s.most FOR UPDATE SKIP LOCKED) AS page
        ORDER BY s.priority, page.id LIMIT $1))
    FOR UPDATE SKIP LOCKED))
RETURNING subject, cause, traceparent, attempts, priority, party, linked
;

-- services.chassis.queue.fold_queue._WITH_NEWS
SELECT DISTINCT subject FROM fold_queue WHERE subject = ANY($1::text[]) AND priority < $2
;

-- services.chassis.recovery.published_state._BOOKS
SELECT published FROM picture WHERE subject = ANY($1::text[])
;

-- services.chassis.recovery.published_state._TAKE_UP
UPDATE picture AS p SET version = greatest(p.version, u.version), memory = u.memory::jsonb, published = u.book::jsonb
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS u (subject, version, memory, book)
WHERE p.subject = ANY($1) AND p.subject = u.subject
;

-- services.chassis.recovery.recovery._CLAIM
UPDATE recovery_task SET until = clock_timestamp() + interval '15 s'
WHERE until <= clock_timestamp() OR noticed = $1
RETURNING since, noticed, (
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system()) AS server
;

-- services.chassis.recovery.recovery._DONE
DELETE FROM recovery_task WHERE noticed = $1 AND (
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system()) = $2 AND ((SELECT value FROM store_mark) >= $3)
;

-- services.chassis.recovery.recovery._KEEP
UPDATE recovery_task SET until = clock_timestamp() + interval '15 s' WHERE noticed = $1 AND (
    SELECT system_identifier || '/' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
        ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END FROM pg_control_system()) = $2 AND ((SELECT value FROM store_mark) >= $3)
;

-- services.chassis.service.app._RECEIPTS
SELECT id AS sequence, outcome, source, event_id AS id, type, subject, updated_at, reason, path, detail, topic,
       partition, "offset", recorded_at
FROM receipt WHERE party = $1 AND id > $2 AND ($3::text IS NULL OR event_id = $3) ORDER BY receipt.id LIMIT $4
;

-- services.chassis.service.progress._COUNTS
SELECT sent.*, (SELECT count(*) FROM outbox_failed) AS outbox_failed, (EXISTS (SELECT FROM recovery_task))::int AS recovery,
       (SELECT count(*) FROM picture WHERE due <= $1) AS due,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL) AS dead_letters,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL AND party IS NULL) AS misunderstood
FROM (SELECT count(*) AS outbox, min(id) AS first, max(id) AS last FROM outbox) AS sent
;

-- services.chassis.service.progress._POSITIONS
SELECT topic, partition, topic_id, next_offset FROM position ORDER BY 1, 2
;

-- services.chassis.service.progress._SHARES
SELECT party, count(*) AS fold_queue, count(*) FILTER (WHERE attempts > 0) AS failing,
       min(id) FILTER (WHERE priority = 0) AS first, max(id) FILTER (WHERE priority = 0) AS last
FROM fold_queue GROUP BY party
;

-- services.chassis.service.purge.RULES
DELETE FROM dead_letter WHERE id = ANY(ARRAY(SELECT id FROM (SELECT id, recorded_at FROM dead_letter WHERE reason <> 'quarantined' OR resolution IS NOT NULL ORDER BY id LIMIT $2) AS oldest WHERE recorded_at < $1))
;

-- services.chassis.service.purge.RULES
DELETE FROM receipt WHERE id = ANY(ARRAY(SELECT id FROM (SELECT id, recorded_at FROM receipt WHERE true ORDER BY id LIMIT $2) AS oldest WHERE recorded_at < $1))
;

-- services.chassis.service.purge.RULES
DELETE FROM spent WHERE ctid = ANY(ARRAY(SELECT ctid FROM spent WHERE day < ($1 AT TIME ZONE 'UTC')::date LIMIT $2))
;

-- services.chassis.service.purge.RULES
DELETE FROM spent_on WHERE ctid = ANY(ARRAY(SELECT ctid FROM spent_on WHERE day < ($1 AT TIME ZONE 'UTC')::date LIMIT $2))
;

-- services.chassis.service.purge._TRY_LOCK
SELECT pg_try_advisory_xact_lock($1, $2)
;

-- services.customs.store._LIST
SELECT p.content::text AS content, p.version, p.recorded_at
FROM case_row r JOIN picture p ON p.subject = r."case"
WHERE r."case" > $1 AND ($2::text IS NULL OR r.jurisdiction = $2) AND ($3::text IS NULL OR r.state = $3)
  AND ($4::text IS NULL OR r.consignment = $4) AND ($5::text IS NULL OR r."case" = $5) AND r.locks && $7::text[]
ORDER BY r."case" LIMIT $6
;

-- services.customs.store._SAVE
INSERT INTO case_row ("case", jurisdiction, procedure, state, held, consignment, version, recorded_at, locks)
SELECT "case", jurisdiction, procedure, state, held, consignment, version, recorded_at,
       ARRAY(SELECT jsonb_array_elements_text(locks))
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::bigint[], $8::timestamptz[],
            $9::jsonb[])
    AS u ("case", jurisdiction, procedure, state, held, consignment, version, recorded_at, locks)
ON CONFLICT ("case") DO UPDATE SET state = EXCLUDED.state, held = EXCLUDED.held, consignment = EXCLUDED.consignment,
    version = EXCLUDED.version, recorded_at = EXCLUDED.recorded_at, locks = EXCLUDED.locks
;

-- services.customs.store._VERDICT
SELECT content::text AS content FROM picture WHERE subject = $1
;

-- services.notifications.app.PURGE_DELIVERIES
DELETE FROM delivery WHERE ctid = ANY(ARRAY(
        SELECT d.ctid FROM feed AS f, LATERAL (
            SELECT ctid, item FROM delivery WHERE party = f.party ORDER BY sequence LIMIT $2) AS d
        WHERE $1::timestamptz IS NOT NULL AND NOT EXISTS (SELECT FROM item AS i WHERE i.item = d.item OFFSET 0)))
;

-- services.notifications.app.PURGE_ITEMS
DELETE FROM item WHERE id = ANY(ARRAY(SELECT id FROM (SELECT id, recorded_at FROM item WHERE true ORDER BY id LIMIT $2) AS oldest WHERE recorded_at < $1))
;

-- services.notifications.feeds.CURSOR
SELECT coalesce((SELECT CASE WHEN sequence < coalesce((SELECT min(number) FROM outbox WHERE number IS NOT NULL), 9223372036854775807) THEN sequence ELSE (
    SELECT sequence FROM delivery WHERE party = $1 AND sequence < coalesce((SELECT min(number) FROM outbox WHERE number IS NOT NULL), 9223372036854775807) ORDER BY sequence DESC LIMIT 1) END
    FROM feed WHERE party = $1), 0)
;

-- services.notifications.feeds.LOCK_FEEDS
SELECT party, sequence FROM feed WHERE party = ANY($1::text[]) ORDER BY party FOR UPDATE
;

-- services.notifications.feeds._ADD_FEEDS
INSERT INTO feed (party, sequence) SELECT party, 0 FROM unnest($1::text[]) AS u (party) ORDER BY 1
ON CONFLICT DO NOTHING
;

-- services.notifications.feeds._ADVANCE
UPDATE feed AS f SET sequence = u.sequence FROM unnest($1::text[], $2::bigint[]) AS u (party, sequence)
WHERE f.party = ANY($1) AND f.party = u.party
;

-- services.notifications.feeds._FEED
SELECT d.item, d.party, d.sequence, d.previous_sequence, d.action, d.supersedes, d.alert, i.*
FROM (SELECT * FROM delivery WHERE party = $1 AND sequence > $2 AND sequence < coalesce((SELECT min(number) FROM outbox WHERE number IS NOT NULL), 9223372036854775807)
      ORDER BY sequence LIMIT $3) AS d, 
LATERAL (SELECT fact, subject, content::text AS content, late, recorded_at FROM item WHERE item = d.item OFFSET 0) AS i
 ORDER BY d.sequence
;

-- services.notifications.feeds._FEED_END
SELECT d.item, d.party, d.sequence, d.previous_sequence, d.action, d.supersedes, d.alert, i.*
FROM (SELECT * FROM delivery WHERE party = $1 AND sequence < $3 AND sequence < coalesce((SELECT min(number) FROM outbox WHERE number IS NOT NULL), 9223372036854775807)
      ORDER BY sequence DESC LIMIT $2) AS d, 
LATERAL (SELECT fact, subject, content::text AS content, late, recorded_at FROM item WHERE item = d.item OFFSET 0) AS i
 ORDER BY d.sequence
;

-- services.notifications.feeds._INSERT_DELIVERIES
INSERT INTO delivery (party, sequence, previous_sequence, item, action, supersedes, alert)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::boolean[])
ON CONFLICT DO NOTHING
;

-- services.notifications.feeds._INSERT_ITEMS
INSERT INTO item (item, entity, subject, fact, content, late, traceparent, recorded_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::text[],
                     $8::timestamptz[])
ON CONFLICT (item) DO NOTHING
;

-- services.notifications.recovered._ADVANCE
UPDATE feed AS f SET sequence = greatest(f.sequence, u.sequence)
FROM (SELECT party, max(sequence) AS sequence FROM unnest($1::text[], $2::bigint[]) AS u (party, sequence)
      GROUP BY party) AS u
WHERE f.party = ANY($1) AND f.party = u.party
;

-- services.notifications.recovered._NUMBERED
SELECT d.party, d.sequence FROM unnest($1::text[], $2::bigint[]) AS u (party, sequence), LATERAL (
    SELECT party, sequence FROM delivery WHERE party = u.party AND sequence = u.sequence OFFSET 0) AS d
;

-- services.notifications.recovered._REMEMBER
UPDATE picture AS p SET memory = u.memory::jsonb
FROM unnest($1::text[], $2::text[]) AS u (subject, memory)
WHERE p.subject = ANY($1) AND p.subject = u.subject
;

-- services.notifications.store._ATTENTION
SELECT fact::text AS fact
FROM picture, jsonb_path_query(content, 
'$.facts[*] ? (@.state == "open" || @.state == "raised"
    || @.state == "hold_placed" || @.topic == "arrival" && @.state == "expected" && @.detail == "not declared")'
) AS fact
WHERE content @? 
'$.facts[*] ? (@.state == "open" || @.state == "raised"
    || @.state == "hold_placed" || @.topic == "arrival" && @.state == "expected" && @.detail == "not declared")'
 AND split_part(subject, ':', 1) = ANY ($2)
  AND fact -> 'parties' ? $1
ORDER BY fact ->> 'instant' DESC NULLS LAST LIMIT $3
;

-- services.notifications.store._AUDIENCE
SELECT digest FROM audience
;

-- services.notifications.store._OF_PARTS
SELECT jsonb_build_object(
    'fact', concat_ws('|', fact ->> 'code', fact ->> 'point', split_part(fact ->> 'fact', '|', 4),
                      fact ->> 'reported_by', fact ->> 'confidence'),
    'topic', 'milestone', 'code', fact ->> 'code', 'point', fact ->> 'point', 'country', fact ->> 'country',
    'reported_by', fact ->> 'reported_by', 'confidence', fact ->> 'confidence',
    'from', min(fact ->> 'instant'), 'instant', max(fact ->> 'instant'),
    'subjects', jsonb_agg(DISTINCT fact ->> 'subject'))::text AS fact
FROM picture, jsonb_array_elements(content -> 'facts') AS fact
WHERE subject = ANY ($1) AND fact -> 'parties' ? $2 AND fact ->> 'topic' = 'milestone' AND fact ->> 'point' IS NOT NULL
GROUP BY fact ->> 'code', fact ->> 'point', fact ->> 'country', split_part(fact ->> 'fact', '|', 4),
         fact ->> 'reported_by', fact ->> 'confidence'
;

-- services.notifications.store._PICTURE
SELECT content::text AS content, recorded_at FROM picture WHERE subject = $1 AND content IS NOT NULL
;

-- services.notifications.store._RELATED
SELECT fact::text AS fact
FROM (SELECT DISTINCT subject FROM link WHERE reads = ANY ($1::text[] || $4::text[]) AND reads <> '') AS l,
     LATERAL (SELECT content FROM picture WHERE subject = l.subject OFFSET 0) AS p,
     jsonb_array_elements(content -> 'facts') AS fact
WHERE split_part(l.subject, ':', 1) = ANY ($3)
  AND fact -> 'parties' ? $2
  AND (fact ->> 'subject' = ANY ($1)
       OR fact ->> 'consignment' = ANY ($4) AND split_part(fact ->> 'subject', ':', 1) NOT IN ('container', 'wagon'))
ORDER BY fact ->> 'instant'
;

-- services.notifications.store._ROWS
SELECT subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions, header::text AS header,
       recorded_at
FROM (SELECT * FROM subject_row
      WHERE parties @> ARRAY[$1::text] AND ($2::text IS NULL OR kind = $2)
        AND ($5::timestamptz IS NULL OR recorded_at >= $5) OFFSET 0) AS seen
WHERE $3::text = '' OR subject ILIKE $3 OR status ILIKE $3 OR point ILIKE $3 OR reported_by ILIKE $3
    OR EXISTS (SELECT FROM jsonb_path_query(header - 'associations' - 'whole' - 'exceptions', '$.**') AS v
               WHERE header -> 'whole' ? $1 AND jsonb_typeof(v) = 'string' AND v #>> '{}' ILIKE $3)
    OR EXISTS (SELECT FROM jsonb_array_elements(header -> 'associations') AS a
               WHERE a -> 'parties' ? $1 AND a ->> 'subject' ILIKE $3)
ORDER BY kind, subject LIMIT $4
;

-- services.notifications.store._SAVE_AUDIENCE
INSERT INTO audience (digest) VALUES ($1) ON CONFLICT (single) DO UPDATE SET digest = EXCLUDED.digest
;

-- services.notifications.store._SAVE_ROWS
INSERT INTO subject_row (subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions,
                         parties, header, recorded_at)
SELECT subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions,
       ARRAY(SELECT jsonb_array_elements_text(parties)), header, recorded_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[], $7::text[], $8::text[],
            $9::int[], $10::jsonb[], $11::jsonb[], $12::timestamptz[])
    AS u (subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions, parties, header,
          recorded_at)
ON CONFLICT (subject) DO UPDATE SET status = EXCLUDED.status, point = EXCLUDED.point, moving = EXCLUDED.moving,
    observed_at = EXCLUDED.observed_at, reported_by = EXCLUDED.reported_by, confidence = EXCLUDED.confidence,
    exceptions = EXCLUDED.exceptions, parties = EXCLUDED.parties, header = EXCLUDED.header,
    recorded_at = EXCLUDED.recorded_at
;

-- services.tracking.app.PURGE_HISTORY
DELETE FROM history WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM history AS old
        WHERE recorded_from < $1 AND EXISTS (
            SELECT FROM history AS newer
            WHERE newer.subject = old.subject AND newer.recorded_from > old.recorded_from AND newer.recorded_from < $1)
        LIMIT $2))
;

-- services.tracking.store._ABOARD
SELECT DISTINCT coalesce(held ->> 'subject', p.subject) AS consignment
FROM (SELECT DISTINCT subject, reads FROM link WHERE reads = ANY($1::text[]) AND reads <> '') AS l, LATERAL (
    SELECT subject, content FROM picture WHERE subject = l.subject OFFSET 0) AS p
    LEFT JOIN LATERAL jsonb_array_elements(p.content -> 'associations') AS held
    ON held ->> 'relation' = 'in_consignment' AND held -> 'end' IS NULL
WHERE split_part(p.subject, ':', 1) IN ('container', 'consignment') AND EXISTS (
    SELECT FROM jsonb_array_elements(p.content -> 'associations') AS a
    WHERE a ->> 'relation' = 'on_wagon' AND a ->> 'subject' = l.reads AND a -> 'end' IS NULL)
;

-- services.tracking.store._INSERT_HISTORY
INSERT INTO history (subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at,
                     exceptions, locks, within)
SELECT subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at, exceptions,
       string_to_array(locks, ' '), string_to_array(within, ' ')
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::boolean[],
            $8::timestamptz[], $9::text[], $10::timestamptz[], $11::int[], $12::text[], $13::text[])
    AS u (subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at, exceptions,
          locks, within)
ON CONFLICT DO NOTHING
;

-- services.tracking.store._LIST
SELECT subject, kind, version, recorded_at, status, point, moving, observed_at, code, latest_at, exceptions
FROM (SELECT DISTINCT ON (subject) subject, kind, version, recorded_from AS recorded_at, status, point, moving,
             observed_at, code, latest_at, exceptions, locks, within
      FROM history
      WHERE kind = $1 AND ($2::timestamptz IS NULL OR recorded_from <= $2) AND subject > $3
      ORDER BY subject, recorded_from DESC) AS h
WHERE locks && $5::text[] OR EXISTS (
    SELECT FROM unnest(within) AS w (subject), LATERAL (
        SELECT locks FROM history WHERE subject = w.subject ORDER BY recorded_from DESC LIMIT 1) AS above
    WHERE above.locks && $5)
ORDER BY subject LIMIT $4
;

-- services.tracking.store._PICTURES
SELECT subject, version, recorded_at, content::text AS content FROM picture
WHERE subject = ANY($1::text[]) AND content IS NOT NULL
;

-- services.tracking.store._REVISIONS
SELECT e.source, e.event_id, e.content_hash, e.type, e.subject, e.party, e.updated_at, e.retracted, e.body,
       e.recorded_at, e.topic, e.partition, e."offset"
FROM (SELECT DISTINCT source, event_id FROM (SELECT * FROM link WHERE subject = $1 OFFSET 0) AS named) AS l, LATERAL (
    SELECT * FROM event WHERE source = l.source AND event_id = l.event_id OFFSET 0) AS e
WHERE ($2::timestamptz IS NULL OR e.recorded_at <= $2)
  AND (e.recorded_at, e.topic, e.partition, e."offset") > ($3::timestamptz, $4::text, $5::int, $6::bigint)
ORDER BY e.recorded_at, e.topic, e.partition, e."offset" LIMIT $7
;

-- services.tracking.store._UNITS
SELECT subject, (content -> 'associations')::text AS associations,
       (SELECT jsonb_agg(jsonb_build_object('point', f -> 'point', 'via', f -> 'via', 'instant', f -> 'instant'))
        FROM jsonb_array_elements(content -> 'timeline') AS f)::text AS timeline
FROM picture WHERE subject = ANY($1::text[]) AND content IS NOT NULL
;
