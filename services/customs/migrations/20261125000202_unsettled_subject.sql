-- migrate:up

-- A case looks whether anything that it reads still waits in the queue.
CREATE INDEX unsettled_subject ON unsettled (subject);

-- migrate:down

DROP INDEX unsettled_subject;
