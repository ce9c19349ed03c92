-- migrate:up

-- Where the feed of a party ends that is on its topic.
CREATE INDEX outbox_topic ON outbox (topic, id);

-- migrate:down

DROP INDEX outbox_topic;
