-- migrate:up

-- Whose report has caused a row, so that folding is shared out among parties; '' where nobody's has.
ALTER TABLE unsettled ADD COLUMN party text NOT NULL DEFAULT '';
CREATE INDEX unsettled_turn ON unsettled (priority, party, id);

-- migrate:down

ALTER TABLE unsettled DROP COLUMN party;
