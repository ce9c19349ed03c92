-- migrate:up

-- What asks for attention is few among all pictures. The condition is that of the statement which asks for it.
CREATE INDEX picture_open ON picture (subject) WHERE content @? '$.facts[*] ? (@.state == "open" || @.state == "raised"
    || @.state == "hold_placed" || @.topic == "arrival" && @.state == "expected" && @.detail == "not declared")';

-- migrate:down

DROP INDEX picture_open;
