-- migrate:up

-- What is on our own topics since an instant (microseconds) is to be read back: the store may not know of it.
-- `noticed` tells one task from the next; `until` is how long the copy that is at it has asked for.
CREATE TABLE recall (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    since bigint NOT NULL,
    noticed bigint NOT NULL,
    until timestamptz NOT NULL DEFAULT '-infinity'
);

-- migrate:down

DROP TABLE recall;
