-- What all migrations make. `make schema` writes it; stores are made by the migrations alone.

CREATE TABLE case_row (
    "case" text NOT NULL,
    jurisdiction text NOT NULL,
    procedure text NOT NULL,
    state text NOT NULL,
    held boolean NOT NULL,
    consignment text,
    version bigint NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    locks text[] DEFAULT '{}'::text[] NOT NULL,
    units text[] DEFAULT '{}'::text[] NOT NULL
);

CREATE TABLE clock_step (
    instant timestamp with time zone NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE cluster (
    single boolean DEFAULT true NOT NULL,
    id text NOT NULL,
    CONSTRAINT cluster_single_check CHECK (single)
);

CREATE TABLE dead_letter (
    id bigint NOT NULL,
    topic text NOT NULL,
    topic_id text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    party text,
    source text,
    event_id text,
    key bytea,
    headers jsonb NOT NULL,
    body bytea,
    reason text NOT NULL,
    path text NOT NULL,
    detail text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    resolution text,
    resolved_at timestamp with time zone,
    last_action bigint,
    appended_ms bigint DEFAULT (EXTRACT(epoch FROM now()) * (1000)::numeric) NOT NULL,
    count integer DEFAULT 1 NOT NULL,
    CONSTRAINT dead_letter_resolution_check CHECK ((resolution = ANY (ARRAY['replayed'::text, 'discarded'::text])))
);

CREATE TABLE dead_letter_action (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    by text NOT NULL,
    action text NOT NULL,
    filter jsonb NOT NULL,
    reason text,
    found integer DEFAULT 0 NOT NULL,
    resolved integer DEFAULT 0 NOT NULL,
    CONSTRAINT dead_letter_action_action_check CHECK ((action = ANY (ARRAY['replay'::text, 'discard'::text])))
);

ALTER TABLE dead_letter_action ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME dead_letter_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE dead_letter ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME dead_letter_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE event (
    source text NOT NULL,
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    party text NOT NULL,
    standing text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    retracted boolean NOT NULL,
    body bytea NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE fold_queue (
    id bigint NOT NULL,
    subject text NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    cause text NOT NULL,
    traceparent text,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    party text DEFAULT ''::text NOT NULL,
    linked boolean DEFAULT false NOT NULL,
    after_xid xid8
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

ALTER TABLE fold_queue ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME fold_queue_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE head (
    source text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    content_hash bytea NOT NULL,
    revisions integer DEFAULT 0 NOT NULL
);

CREATE TABLE link (
    subject text NOT NULL,
    reads text NOT NULL,
    source text NOT NULL,
    event_id text NOT NULL
);

CREATE TABLE outbox (
    id bigint NOT NULL,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    ce_id text NOT NULL,
    ce_type text NOT NULL,
    ce_subject text NOT NULL,
    traceparent text,
    body bytea NOT NULL,
    party text DEFAULT ''::text NOT NULL,
    addresses jsonb,
    number bigint
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

CREATE TABLE outbox_failed (
    id bigint CONSTRAINT outbox_id_not_null NOT NULL,
    shard smallint CONSTRAINT outbox_shard_not_null NOT NULL,
    topic text CONSTRAINT outbox_topic_not_null NOT NULL,
    key text CONSTRAINT outbox_key_not_null NOT NULL,
    ce_id text CONSTRAINT outbox_ce_id_not_null NOT NULL,
    ce_type text CONSTRAINT outbox_ce_type_not_null NOT NULL,
    ce_subject text CONSTRAINT outbox_ce_subject_not_null NOT NULL,
    traceparent text,
    body bytea CONSTRAINT outbox_body_not_null NOT NULL,
    party text CONSTRAINT outbox_party_not_null NOT NULL,
    failure text CONSTRAINT outbox_set_aside_failure_not_null NOT NULL,
    failed_at timestamp with time zone CONSTRAINT outbox_set_aside_failed_at_not_null NOT NULL,
    addresses jsonb,
    number bigint
);

ALTER TABLE outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE party (
    party text NOT NULL,
    spec jsonb NOT NULL
);

CREATE TABLE picture (
    subject text NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    recorded_at timestamp with time zone,
    content jsonb,
    content_hash bytea,
    shared jsonb,
    shared_hash bytea,
    memory jsonb,
    published jsonb DEFAULT '{}'::jsonb NOT NULL,
    parked jsonb DEFAULT '[]'::jsonb NOT NULL,
    due timestamp with time zone,
    sent_at timestamp with time zone,
    fold integer DEFAULT 0 NOT NULL,
    data integer DEFAULT 0 NOT NULL
);

CREATE TABLE "position" (
    topic text NOT NULL,
    partition integer NOT NULL,
    topic_id text NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT position_next_offset_check CHECK ((next_offset >= 0))
);

CREATE TABLE receipt (
    id bigint NOT NULL,
    party text NOT NULL,
    outcome text NOT NULL,
    source text,
    event_id text,
    type text,
    subject text,
    updated_at timestamp with time zone,
    reason text,
    path text,
    detail text,
    topic text,
    partition integer,
    "offset" bigint,
    recorded_at timestamp with time zone NOT NULL
);

ALTER TABLE receipt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME receipt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE recovery_task (
    single boolean DEFAULT true NOT NULL,
    since bigint NOT NULL,
    noticed bigint NOT NULL,
    until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT recovery_task_single_check CHECK (single)
);

CREATE TABLE replica (
    entity text NOT NULL,
    type text NOT NULL,
    version bigint NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE spent (
    party text NOT NULL,
    day date NOT NULL,
    reports bigint NOT NULL,
    bytes bigint NOT NULL
);

CREATE TABLE spent_on (
    party text NOT NULL,
    day date NOT NULL,
    subject text NOT NULL,
    reports bigint NOT NULL
);

CREATE TABLE store_mark (
    single boolean DEFAULT true NOT NULL,
    value bigint NOT NULL,
    CONSTRAINT store_mark_single_check CHECK (single)
);

CREATE TABLE token (
    sha256 bytea NOT NULL,
    party text NOT NULL,
    label text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    scopes text[] DEFAULT '{report,read,operate}'::text[] NOT NULL,
    expires_at timestamp with time zone,
    parent bytea,
    CONSTRAINT token_scopes_check CHECK (((scopes <@ '{report,read,operate}'::text[]) AND (scopes <> '{}'::text[])))
);

CREATE TABLE told (
    country text NOT NULL,
    entity text NOT NULL,
    type text NOT NULL,
    version bigint NOT NULL,
    body bytea NOT NULL,
    number bigint
);

ALTER TABLE ONLY case_row
    ADD CONSTRAINT case_row_pkey PRIMARY KEY ("case");

ALTER TABLE ONLY clock_step
    ADD CONSTRAINT clock_step_pkey PRIMARY KEY (instant);

ALTER TABLE ONLY cluster
    ADD CONSTRAINT cluster_pkey PRIMARY KEY (single);

ALTER TABLE ONLY dead_letter_action
    ADD CONSTRAINT dead_letter_action_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dead_letter
    ADD CONSTRAINT dead_letter_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dead_letter
    ADD CONSTRAINT dead_letter_topic_topic_id_partition_offset_key UNIQUE (topic, topic_id, partition, "offset");

ALTER TABLE ONLY event
    ADD CONSTRAINT event_pkey PRIMARY KEY (source, event_id, content_hash);

ALTER TABLE ONLY fold_queue
    ADD CONSTRAINT fold_queue_pkey PRIMARY KEY (id);

ALTER TABLE ONLY head
    ADD CONSTRAINT head_pkey PRIMARY KEY (source, event_id);

ALTER TABLE ONLY link
    ADD CONSTRAINT link_pkey PRIMARY KEY (subject, source, event_id, reads);

ALTER TABLE ONLY outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY party
    ADD CONSTRAINT party_pkey PRIMARY KEY (party);

ALTER TABLE ONLY picture
    ADD CONSTRAINT picture_pkey PRIMARY KEY (subject);

ALTER TABLE ONLY "position"
    ADD CONSTRAINT position_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY receipt
    ADD CONSTRAINT receipt_pkey PRIMARY KEY (id);

ALTER TABLE ONLY recovery_task
    ADD CONSTRAINT recovery_task_pkey PRIMARY KEY (single);

ALTER TABLE ONLY replica
    ADD CONSTRAINT replica_pkey PRIMARY KEY (entity);

ALTER TABLE ONLY spent_on
    ADD CONSTRAINT spent_on_pkey PRIMARY KEY (party, day, subject);

ALTER TABLE ONLY spent
    ADD CONSTRAINT spent_pkey PRIMARY KEY (party, day);

ALTER TABLE ONLY store_mark
    ADD CONSTRAINT store_mark_pkey PRIMARY KEY (single);

ALTER TABLE ONLY token
    ADD CONSTRAINT token_party_label_key UNIQUE (party, label);

ALTER TABLE ONLY token
    ADD CONSTRAINT token_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY told
    ADD CONSTRAINT told_pkey PRIMARY KEY (country, entity);

CREATE INDEX case_row_consignment ON case_row USING btree (consignment);

CREATE INDEX case_row_list ON case_row USING btree (jurisdiction, state, "case");

CREATE INDEX case_row_units ON case_row USING gin (units);

CREATE INDEX dead_letter_own ON dead_letter USING btree (id) WHERE ((party IS NULL) AND (resolution IS NULL));

CREATE INDEX dead_letter_quarantined ON dead_letter USING btree (topic, party) WHERE ((reason = 'quarantined'::text) AND (resolution IS NULL));

CREATE INDEX dead_letter_reason ON dead_letter USING btree (reason, party);

CREATE INDEX fold_queue_order ON fold_queue USING btree (priority, id);

CREATE INDEX fold_queue_subject ON fold_queue USING btree (subject);

CREATE INDEX fold_queue_turn ON fold_queue USING btree (priority, party, id);

CREATE INDEX link_event ON link USING btree (source, event_id);

CREATE INDEX link_reads ON link USING btree (reads, subject) WHERE (reads <> ''::text);

CREATE INDEX link_subject_reads ON link USING btree (subject, reads) WHERE (reads <> ''::text);

CREATE INDEX outbox_number ON outbox USING btree (number) WHERE (number IS NOT NULL);

CREATE INDEX picture_due ON picture USING btree (due) WHERE (due IS NOT NULL);

CREATE INDEX picture_sent ON picture USING btree (sent_at) WHERE (sent_at IS NOT NULL);

CREATE INDEX receipt_event ON receipt USING btree (party, event_id, id);

CREATE INDEX receipt_party ON receipt USING btree (party, id);

CREATE INDEX spent_on_day ON spent_on USING btree (day);

CREATE INDEX token_parent ON token USING btree (parent) WHERE (parent IS NOT NULL);

CREATE UNIQUE INDEX told_number ON told USING btree (country, number) WHERE (number IS NOT NULL);

CREATE INDEX told_unnumbered ON told USING btree (country, version, entity) WHERE (number IS NULL);

ALTER TABLE ONLY token
    ADD CONSTRAINT token_parent_fkey FOREIGN KEY (parent) REFERENCES token(sha256) ON DELETE CASCADE;

ALTER TABLE ONLY token
    ADD CONSTRAINT token_party_fkey FOREIGN KEY (party) REFERENCES party(party);
