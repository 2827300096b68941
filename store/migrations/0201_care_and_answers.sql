-- Grants that no screen uses: customer care read alerts, alarms, deliveries and any object's KPIs, and analysts each
-- single answer to a survey. Groups of answers are api.survey_weeks, a customer's own ones api.customer_answers.

REVOKE SELECT ON api.surveys FROM cem_analyst, cem_care;
REVOKE SELECT ON api.alerts, api.alarms, api.sources FROM cem_care;
REVOKE EXECUTE ON FUNCTION api.kpi_series, api.alarms_of FROM cem_care;
