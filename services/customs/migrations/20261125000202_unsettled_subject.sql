-- migrate:up

-- Cases and passages look whether anything that they read still waits in the queue.
CREATE INDEX unsettled_subject ON unsettled (subject);

-- migrate:down

DROP INDEX unsettled_subject;
