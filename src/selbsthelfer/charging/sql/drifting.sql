-- Where the charging system differs from the orders.

-- name: put_drifts
INSERT INTO charging_drift (
    subscriber_id, credit_id, kind, system, place, ends_at, first_seen_at, last_seen_at, resolved_at
)
SELECT n.subscriber_id, n.credit_id, n.kind, %(system)s, n.place, n.ends_at, %(now)s, %(now)s, n.resolved_at
FROM unnest(
    %(lines)s::uuid[], %(credits)s::uuid[], %(kinds)s::text[], %(places)s::text[], %(ends_at)s::timestamptz[],
    %(resolved_at)s::timestamptz[]
) AS n(subscriber_id, credit_id, kind, place, ends_at, resolved_at)
ORDER BY n.subscriber_id, n.credit_id, n.kind
ON CONFLICT (subscriber_id, credit_id, kind) DO UPDATE
SET
    first_seen_at = CASE
        WHEN charging_drift.resolved_at IS NULL THEN charging_drift.first_seen_at ELSE excluded.first_seen_at
    END,
    last_seen_at = excluded.last_seen_at, place = excluded.place, ends_at = excluded.ends_at,
    resolved_at = excluded.resolved_at;

-- name: resolve_examined
-- What was looked at and seen no more.
UPDATE charging_drift
SET resolved_at = %(now)s
WHERE resolved_at IS NULL AND subscriber_id = ANY (%(lines)s) AND credit_id = ANY (%(credits)s)
AND (credit_id, kind) NOT IN (SELECT * FROM unnest(%(seen_credits)s::uuid[], %(seen_kinds)s::text[]));

-- name: resolve_unseen
-- After everything was looked at.
UPDATE charging_drift
SET resolved_at = %(now)s
WHERE resolved_at IS NULL AND system = %(system)s AND last_seen_at < %(started_at)s;

-- name: resolve_ended
UPDATE charging_drift SET resolved_at = %(now)s WHERE resolved_at IS NULL AND ends_at <= %(now)s;

-- name: resolve_double
UPDATE charging_drift
SET resolved_at = %(now)s
WHERE subscriber_id = %(line)s AND credit_id = %(credit_id)s AND kind = 'double' AND resolved_at IS NULL;

-- name: recipients
-- One page of recipients by name, each once, of whom an order may still be found in the system.
SELECT DISTINCT recipient
FROM charging_creditorder
WHERE recipient > %(beyond)s AND recipient IS NOT NULL AND system = %(system)s
AND valid_until > %(now)s AND ordered_at >= %(since)s
ORDER BY recipient
LIMIT %(limit)s;

-- name: known_credits
SELECT credit_id FROM charging_creditorder
WHERE subscriber_id = ANY (%(lines)s) AND credit_id = ANY (%(credits)s);

-- name: begin_run
-- Held by the connection, over all transactions of a run.
SELECT pg_try_advisory_lock(hashtext('selbsthelfer.reconciliation'));

-- name: end_run
SELECT pg_advisory_unlock(hashtext('selbsthelfer.reconciliation'))
