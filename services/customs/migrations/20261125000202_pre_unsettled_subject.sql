-- migrate:up

-- Cases and passages look whether anything that they read still waits in the queue.
CREATE INDEX unsettled_subject ON unsettled (subject);
CREATE INDEX link_subject_reads ON link (subject, reads) WHERE reads <> '';

-- migrate:down

DROP INDEX link_subject_reads;
DROP INDEX unsettled_subject;
