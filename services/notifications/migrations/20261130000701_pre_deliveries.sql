-- migrate:up

-- An item as one party's feed has it.
CREATE TABLE delivery (
    party text NOT NULL,
    sequence bigint NOT NULL,
    previous_sequence bigint,
    item uuid NOT NULL,
    action text NOT NULL,
    supersedes uuid,
    alert boolean NOT NULL,
    PRIMARY KEY (party, sequence)
);

-- All feeds leave by one shard of the outbox, that of the line "feeds".
UPDATE outbox SET shard = 7, number = (convert_from(body, 'UTF8')::jsonb ->> 'sequence')::bigint
WHERE topic LIKE 'notifications-%';

-- Items that have no number yet get one, and a record.
DO $$
DECLARE
    one record;
    before bigint;
    next bigint;
BEGIN
    FOR one IN SELECT * FROM item WHERE sequence IS NULL ORDER BY id LOOP
        SELECT nullif(sequence, 0) INTO before FROM feed WHERE party = one.party;
        next := greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, coalesce(before, 0) + 1);
        INSERT INTO feed (party, sequence) VALUES (one.party, next)
        ON CONFLICT (party) DO UPDATE SET sequence = EXCLUDED.sequence;
        UPDATE item SET sequence = next, previous_sequence = before WHERE id = one.id;
        INSERT INTO outbox (shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, addresses, number)
        VALUES (7, 'notifications-<party>', one.subject, one.item::text, 'corridor.notification.published.v1', one.subject,
            one.traceparent,
            convert_to((jsonb_strip_nulls(jsonb_build_object('item', one.item, 'fact', one.fact,
                'recorded_at', to_char(one.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'late', nullif(one.late, false))) || one.content)::text, 'UTF8'),
            jsonb_build_array(jsonb_build_array('notifications-' || one.party, jsonb_strip_nulls(jsonb_build_object(
                'party', one.party, 'sequence', next, 'previous_sequence', before, 'action', one.action,
                'supersedes', one.supersedes, 'alert', nullif(one.alert, true))))),
            next);
    END LOOP;
END $$;

INSERT INTO delivery (party, sequence, previous_sequence, item, action, supersedes, alert)
SELECT party, sequence, previous_sequence, item, action, supersedes, alert FROM item;
ALTER TABLE item DROP COLUMN party, DROP COLUMN shard, DROP COLUMN sequence, DROP COLUMN previous_sequence,
    DROP COLUMN action, DROP COLUMN supersedes, DROP COLUMN alert;

-- migrate:down

ALTER TABLE item ADD COLUMN party text, ADD COLUMN shard smallint, ADD COLUMN sequence bigint,
    ADD COLUMN previous_sequence bigint, ADD COLUMN action text, ADD COLUMN supersedes uuid, ADD COLUMN alert boolean;
DROP TABLE delivery;
