-- name: orders_of_line
SELECT credit_id, system, state, bytes, ordered_at, confirmed_at
FROM charging_creditorder
WHERE subscriber_id = %(line)s
ORDER BY ordered_at DESC, credit_id
LIMIT %(limit)s;

-- name: unconfirmed_orders
-- Counted from the partial indexes alone: of what is confirmed only the last minutes are counted.
SELECT state, count(*), min(ordered_at) FILTER (WHERE due_at IS NOT NULL), count(troubled_at)
FROM charging_creditorder
WHERE state <> 'confirmed'
GROUP BY state;

-- name: delivery_lags
-- Deliveries of the last minutes: how many, and seconds from the order to its confirmation.
SELECT
    count(*),
    coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM confirmed_at - ordered_at)), 0)::float8,
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM confirmed_at - ordered_at)), 0)::float8,
    coalesce(max(extract(epoch FROM confirmed_at - ordered_at)), 0)::float8
FROM charging_creditorder
WHERE state = 'confirmed' AND sent_at IS NOT NULL AND confirmed_at > %(since)s;

-- name: open_drifts
SELECT kind, count(*) FROM charging_drift WHERE resolved_at IS NULL GROUP BY kind ORDER BY kind;

-- name: listed_orders
SELECT
    o.credit_id, o.subscriber_id, o.system, o.state, o.bytes, o.ordered_at, o.valid_until, o.due_at, o.attempts,
    o.failure, o.troubled_at
FROM charging_creditorder o
WHERE o.state = %(state)s AND o.state <> 'confirmed'
ORDER BY o.ordered_at, o.credit_id
LIMIT %(limit)s;

-- name: owed_orders
-- What was refused before comes last, so that it keeps nobody else waiting.
SELECT o.subscriber_id, o.credit_id, o.bytes, s.subject, s.language, s.ended_at, o.failure
FROM charging_creditorder o
JOIN subscribers_subscriber s ON s.subscriber_id = o.subscriber_id
WHERE o.owed_at IS NOT NULL AND o.made_good_at IS NULL
ORDER BY o.failure IS NOT DISTINCT FROM %(refused)s, o.owed_at, o.credit_id
LIMIT %(limit)s;

-- name: troubles_between
SELECT
    count(*) FILTER (WHERE state = 'refused'), count(*) FILTER (WHERE state <> 'refused'),
    (SELECT count(*) FROM charging_drift
     WHERE resolved_at IS NULL AND first_seen_at > %(from_at)s AND first_seen_at <= %(until_at)s)
FROM charging_creditorder
WHERE troubled_at > %(from_at)s AND troubled_at <= %(until_at)s;

-- name: lock_alerting
INSERT INTO charging_alerting (alerting_id, told_until) VALUES (1, %(first)s) ON CONFLICT (alerting_id) DO NOTHING;

-- name: told_until
SELECT told_until FROM charging_alerting WHERE alerting_id = 1 FOR UPDATE;

-- name: tell_until
UPDATE charging_alerting SET told_until = %(until_at)s WHERE alerting_id = 1;

-- name: attempts_of_order
SELECT ordinal, action, started_at, ended_at, outcome, code, by
FROM charging_attempt
WHERE subscriber_id = %(line)s AND credit_id = %(credit_id)s
ORDER BY ordinal DESC
LIMIT %(limit)s;

-- name: export_orders
SELECT
    credit_id, state, bytes, valid_from, valid_until, ordered_at, confirmed_at, recipient, attempts, made_good_at
FROM charging_creditorder
WHERE subscriber_id = %(line)s
ORDER BY ordered_at DESC, credit_id
LIMIT %(limit)s
