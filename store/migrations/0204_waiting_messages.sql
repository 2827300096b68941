-- What is asked every five seconds: messages that wait, of one receiver or of all, and the newest change of an alert.
CREATE INDEX delivery_unsent ON cem.delivery (channel, delivery_id) WHERE outcome = 'waiting';
DROP INDEX cem.delivery_waiting;  -- by delivered_at, which no query asks for any more
CREATE INDEX alert_by_update ON cem.alert (updated_at);
