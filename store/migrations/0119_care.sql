-- Customer care reads what its screens show: how the network counts, how sources deliver and how faults are weighed are
-- operations' and analysts' own. What a page hides from a role, the role cannot select.
REVOKE SELECT ON api.kpis, api.kqis, api.source_windows, api.source_outages, api.effects, api.verdicts,
    api.aggregation_choices, api.waiting
    FROM cem_care;
