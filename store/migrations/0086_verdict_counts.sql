-- How often people agree with a cluster's domain: their newest answer on each counts.

CREATE VIEW api.verdict_counts WITH (security_barrier) AS
SELECT count(*) AS answers, count(*) FILTER (WHERE domain = found_domain) AS confirmed FROM cem.cluster_verdict_now;

GRANT SELECT ON api.verdict_counts TO cem_operations, cem_analyst, cem_care, cem_admin;
