-- migrate:up

-- Rises with every look of every copy: who finds it lower than it was left looks at a store that was put back.
CREATE TABLE store_mark (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    value bigint NOT NULL
);
INSERT INTO store_mark (value) VALUES (0);

-- migrate:down

DROP TABLE store_mark;
