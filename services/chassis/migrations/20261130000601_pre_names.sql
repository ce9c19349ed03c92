-- migrate:up
ALTER TABLE unsettled RENAME TO fold_queue;
ALTER SEQUENCE unsettled_id_seq RENAME TO fold_queue_id_seq;
ALTER INDEX unsettled_order RENAME TO fold_queue_order;
ALTER INDEX unsettled_subject RENAME TO fold_queue_subject;
ALTER INDEX unsettled_turn RENAME TO fold_queue_turn;
ALTER TABLE recall RENAME TO recovery_task;

-- Also of NOT NULL, which Postgres names after the table.
DO $$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT conrelid::regclass AS owner, conname,
               regexp_replace(conname, '^(unsettled|recall)', conrelid::regclass::text) AS renamed
        FROM pg_constraint WHERE conrelid IN ('fold_queue'::regclass, 'recovery_task'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', one.owner, one.conname, one.renamed);
    END LOOP;
END $$;

-- migrate:down
ALTER TABLE recovery_task RENAME TO recall;
ALTER INDEX fold_queue_turn RENAME TO unsettled_turn;
ALTER INDEX fold_queue_subject RENAME TO unsettled_subject;
ALTER INDEX fold_queue_order RENAME TO unsettled_order;
ALTER SEQUENCE fold_queue_id_seq RENAME TO unsettled_id_seq;
ALTER TABLE fold_queue RENAME TO unsettled;
DO $$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT conrelid::regclass AS owner, conname,
               regexp_replace(conname, '^(fold_queue|recovery_task)', conrelid::regclass::text) AS renamed
        FROM pg_constraint WHERE conrelid IN ('unsettled'::regclass, 'recall'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', one.owner, one.conname, one.renamed);
    END LOOP;
END $$;
