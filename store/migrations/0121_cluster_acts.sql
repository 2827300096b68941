-- What people do about a cluster: acknowledge it, give it to somebody, comment on it, say what its cause was.

-- No foreign key: a cluster that detection finds again has the same id, and keeps what people did about it.
CREATE TABLE cem.cluster_act (
    act_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('acknowledged', 'assigned', 'commented')),
    assignee text,
    comment text,
    CHECK ((kind = 'assigned') = (assignee IS NOT NULL)),
    CHECK (kind <> 'commented' OR comment IS NOT NULL)
);
CREATE INDEX cluster_act_by_cluster ON cem.cluster_act (cluster_id, act_id);
COMMENT ON TABLE cem.cluster_act IS 'Acknowledgements, assignments and comments; answers on the cause are in cem.cluster_verdict.';

CREATE VIEW api.cluster_acts WITH (security_barrier) AS
SELECT cluster_id, at, actor, kind, assignee, comment, NULL::text AS domain FROM cem.cluster_act
UNION ALL
SELECT cluster_id, at, actor, CASE WHEN domain = found_domain THEN 'confirmed' ELSE 'corrected' END, NULL,
       nullif(cause, ''), domain
FROM cem.cluster_verdict;
GRANT SELECT ON api.cluster_acts TO cem_operations, cem_analyst, cem_care, cem_admin;

-- Where a cluster stands: the newest acknowledgement and the newest assignment.
CREATE VIEW api.cluster_hands WITH (security_barrier) AS
SELECT DISTINCT ON (cluster_id, kind) cluster_id, kind, at, actor, assignee
FROM cem.cluster_act WHERE kind IN ('acknowledged', 'assigned') ORDER BY cluster_id, kind, act_id DESC;
GRANT SELECT ON api.cluster_hands TO cem_operations, cem_analyst, cem_care, cem_admin;

CREATE FUNCTION cem.known_cluster(asked text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM cem.cluster WHERE cluster_id = asked) THEN
        RAISE EXCEPTION 'there is no cluster %', asked USING ERRCODE = 'no_data_found';
    END IF;
END
$$;

CREATE FUNCTION act.acknowledge_cluster(asked_cluster text, note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM cem.known_cluster(asked_cluster);
    INSERT INTO cem.cluster_act (cluster_id, actor, kind, comment)
    VALUES (asked_cluster, cem.acting('acknowledge a cluster', NULL, coalesce(nullif(btrim(note), ''), 'seen'),
            jsonb_build_object('cluster', asked_cluster)), 'acknowledged', nullif(btrim(note), ''));
END
$$;
COMMENT ON FUNCTION act.acknowledge_cluster IS 'Somebody has seen a cluster and works on it; the note may be empty.';

CREATE FUNCTION act.assign_cluster(asked_cluster text, given_to text, note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM cem.known_cluster(asked_cluster);
    IF btrim(coalesce(given_to, '')) = '' THEN
        RAISE EXCEPTION 'a cluster is assigned to somebody' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO cem.cluster_act (cluster_id, actor, kind, assignee, comment)
    VALUES (asked_cluster, cem.acting('assign a cluster', NULL, coalesce(nullif(btrim(note), ''), btrim(given_to)),
            jsonb_build_object('cluster', asked_cluster, 'to', btrim(given_to))),
            'assigned', btrim(given_to), nullif(btrim(note), ''));
END
$$;
COMMENT ON FUNCTION act.assign_cluster IS 'A cluster is given to a person or a team.';

CREATE FUNCTION act.comment_cluster(asked_cluster text, note text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM cem.known_cluster(asked_cluster);
    INSERT INTO cem.cluster_act (cluster_id, actor, kind, comment)
    VALUES (asked_cluster, cem.acting('comment on a cluster', NULL, note, jsonb_build_object('cluster', asked_cluster)),
            'commented', btrim(note));
END
$$;
COMMENT ON FUNCTION act.comment_cluster IS 'Somebody writes something about a cluster.';

CREATE FUNCTION act.judge_cluster(asked_cluster text, said_domain text, said_cause text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    found record;
BEGIN
    PERFORM cem.known_cluster(asked_cluster);
    IF said_domain IS NULL OR said_domain NOT IN ('ran_coverage', 'ran_capacity', 'ran_interference', 'transport',
            'core', 'device', 'app', 'server', 'service_touchpoint', 'unknown') THEN
        RAISE EXCEPTION '% is no domain', said_domain USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT c.domain, coalesce(v.model_version, '') AS model_version INTO found
    FROM cem.cluster c LEFT JOIN cem.version v USING (version_id) WHERE c.cluster_id = asked_cluster;
    INSERT INTO cem.cluster_verdict (cluster_id, at, actor, found_domain, domain, cause, model_version)
    VALUES (asked_cluster, now(), cem.acting('cluster_verdict', NULL, coalesce(nullif(btrim(said_cause), ''),
                said_domain || CASE WHEN said_domain = found.domain THEN ' confirmed' ELSE ' given' END),
                jsonb_build_object('cluster', asked_cluster, 'found', found.domain, 'said', said_domain)),
            found.domain, said_domain, btrim(coalesce(said_cause, '')), found.model_version);
END
$$;
COMMENT ON FUNCTION act.judge_cluster IS 'Somebody confirms a cluster''s domain by naming it, or corrects it by naming another.';

REVOKE EXECUTE ON FUNCTION act.acknowledge_cluster, act.assign_cluster, act.comment_cluster, act.judge_cluster,
    cem.known_cluster FROM PUBLIC;
GRANT EXECUTE ON FUNCTION act.acknowledge_cluster, act.assign_cluster, act.comment_cluster, act.judge_cluster
    TO cem_operations, cem_admin;
