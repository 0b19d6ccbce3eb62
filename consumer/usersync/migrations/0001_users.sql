-- {schema} stands for the configured schema. Migrations only add: an older program goes on working beside a newer one.

CREATE TABLE {schema}.users (
  key                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source                text NOT NULL, -- name of the source in Forebay's configuration
  id                    text,          -- the provider's ID; null: a registration whose ID is not known yet

  preferred_username    text,
  name                  text,
  given_name            text,
  middle_name           text,
  family_name           text,
  nickname              text,
  profile               text,
  picture               text,
  website               text,
  email                 text,
  email_verified        boolean,
  gender                text,
  birthdate             text,
  zoneinfo              text,
  locale                text,
  phone_number          text,
  phone_number_verified boolean,
  address               jsonb,
  custom                jsonb NOT NULL DEFAULT '{}',
  raw                   jsonb,

  password_hash         text,          -- argon2id, PHC string; null: not known
  password_changed_at   timestamptz,

  disabled_at           timestamptz,
  locked_at             timestamptz,
  deleted_at            timestamptz,
  status                text NOT NULL GENERATED ALWAYS AS (CASE
                          WHEN deleted_at  IS NOT NULL THEN 'deleted'
                          WHEN disabled_at IS NOT NULL THEN 'disabled'
                          WHEN locked_at   IS NOT NULL THEN 'locked'
                          ELSE 'active' END) STORED,

  known_since           timestamptz NOT NULL, -- time of the oldest event of this user
  event_time            timestamptz NOT NULL, -- the newest event of this user, its ID and action
  event_id              text NOT NULL,
  event_action          text NOT NULL,
  versions              jsonb NOT NULL,       -- usersync's own: which event each value comes from
  inserted_at           timestamptz NOT NULL DEFAULT now(),
  updated_at            timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX users_source_id ON {schema}.users (source, id);
CREATE INDEX users_source_username ON {schema}.users (source, preferred_username);
CREATE INDEX users_source_email ON {schema}.users (source, lower(email));
CREATE INDEX users_source_phone ON {schema}.users (source, phone_number);

CREATE VIEW {schema}.active_users AS
  SELECT * FROM {schema}.users WHERE status = 'active' AND id IS NOT NULL;

-- Which user a temporary token was issued for: written by the application that issues them, read by usersync.
CREATE TABLE {schema}.reset_tokens (
  source     text NOT NULL,
  token_hash bytea NOT NULL CHECK (length(token_hash) = 32), -- SHA-256 of the token
  user_id    text NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  used_by    text,                                           -- ID of the event
  PRIMARY KEY (source, token_hash)
);

-- Events that were applied, so that a repeat is none.
CREATE TABLE {schema}.applied_events (
  consumer   text NOT NULL,
  source     text NOT NULL,
  event_id   text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, source, event_id)
);
CREATE INDEX applied_events_applied_at ON {schema}.applied_events (applied_at);
