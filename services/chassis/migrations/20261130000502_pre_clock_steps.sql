-- migrate:up

-- When the corridor clock of a stepped system was moved where to: what the broker took in between was received there.
CREATE TABLE clock_step (
    instant timestamptz PRIMARY KEY,
    at timestamptz NOT NULL
);
INSERT INTO clock_step SELECT instant, now() FROM stepped_clock;

-- migrate:down

DROP TABLE clock_step;
