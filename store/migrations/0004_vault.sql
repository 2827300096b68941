-- The identifier vault and the audit trail: the only places where a person can be found, and who looked.

CREATE SCHEMA vault;

CREATE TABLE vault.key (
    key_id smallint PRIMARY KEY,
    key_check bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE vault.key IS 'Which keys the vault was filled with; the keys themselves lie outside the database.';

CREATE TABLE vault.subject (
    token bigint PRIMARY KEY CHECK (token > 0),
    lookup uuid NOT NULL UNIQUE,
    key_id smallint NOT NULL REFERENCES vault.key,
    sealed bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz
);
COMMENT ON COLUMN vault.subject.token IS 'Random; facts carry it as subscriber_key.';
COMMENT ON COLUMN vault.subject.lookup IS 'First 16 bytes of HMAC-SHA-256 of the normalised identifier.';
COMMENT ON COLUMN vault.subject.sealed IS 'The identifier under AES-256-GCM (nonce, ciphertext), bound to its token; NULL once erased.';
COMMENT ON COLUMN vault.subject.erased_at IS 'A tombstone: later rows of this person are refused. Its token is a new one, so nothing leads to the old rows.';

-- Counts erasures: a process that remembers tokens forgets them when it changes.
CREATE TABLE vault.erasure (
    epoch bigint NOT NULL
);
INSERT INTO vault.erasure VALUES (0);

CREATE TABLE cem.audit (
    audit_id bigint PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject_token bigint,
    reason text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    prev_sha256 bytea,
    sha256 bytea NOT NULL
);
COMMENT ON TABLE cem.audit IS 'Who did what to whom and why; append-only, each row holding the hash of the one before it.';

CREATE FUNCTION cem.audit_sha256(entry cem.audit) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        entry.audit_id,
        to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        entry.actor, entry.action, entry.subject_token, entry.reason, entry.detail,
        encode(entry.prev_sha256, 'hex'))::text, 'UTF8'))
$$;

CREATE FUNCTION cem.audit_chain() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    last record;
BEGIN
    -- Held until commit, so that the chain has one order.
    PERFORM pg_advisory_xact_lock(x'63656D02'::bit(32)::integer);
    SELECT audit_id, sha256 INTO last FROM cem.audit ORDER BY audit_id DESC LIMIT 1;
    NEW.audit_id := coalesce(last.audit_id, 0) + 1;
    NEW.prev_sha256 := last.sha256;
    NEW.sha256 := cem.audit_sha256(NEW);
    RETURN NEW;
END
$$;

CREATE FUNCTION cem.audit_refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'cem.audit is append-only';
END
$$;

CREATE TRIGGER audit_chain BEFORE INSERT ON cem.audit FOR EACH ROW EXECUTE FUNCTION cem.audit_chain();
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON cem.audit
    FOR EACH STATEMENT EXECUTE FUNCTION cem.audit_refuse();
