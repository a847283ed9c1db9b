-- name: wanted_kinds
-- A handful of rows; the one question that every transaction asks before it tells anything.
SELECT kind, min(created_at)
FROM (SELECT unnest(kinds) AS kind, created_at FROM outbox_endpoint WHERE disabled_at IS NULL) wanted
GROUP BY kind;

-- name: put_events
-- An event is written only with a delivery, and only to endpoints that were there when it happened. Its id is made of
-- its key, so that writing it again changes nothing.
WITH put AS (
    INSERT INTO outbox_event (event_id, kind, subscriber_id, data, happened_at, is_whole_body)
    SELECT e.event_id, e.kind, e.subscriber_id, e.data::jsonb, e.happened_at, e.is_whole_body
    FROM unnest(
        %(ids)s::uuid[], %(kinds)s::text[], %(lines)s::uuid[], %(data)s::text[], %(happened_at)s::timestamptz[],
        %(whole_bodies)s::boolean[]
    ) AS e(event_id, kind, subscriber_id, data, happened_at, is_whole_body)
    WHERE EXISTS (
        SELECT FROM outbox_endpoint n
        WHERE n.disabled_at IS NULL AND e.kind = ANY (n.kinds) AND n.created_at <= e.happened_at
    )
    ORDER BY e.event_id
    ON CONFLICT (event_id) DO NOTHING
    RETURNING event_id, kind, happened_at
)
INSERT INTO outbox_delivery (event_id, endpoint_id, kind, happened_at, due_at, attempts, attempts_before)
SELECT p.event_id, n.endpoint_id, p.kind, p.happened_at, %(at_once)s, 0, 0
FROM put p
JOIN outbox_endpoint n ON n.disabled_at IS NULL AND p.kind = ANY (n.kinds) AND n.created_at <= p.happened_at
ORDER BY p.happened_at, p.event_id;

-- name: put_test_event
WITH put AS (
    INSERT INTO outbox_event (event_id, kind, subscriber_id, data, happened_at, is_whole_body)
    VALUES (%(event_id)s, %(kind)s, NULL, '{}', %(now)s, false)
)
INSERT INTO outbox_delivery (event_id, endpoint_id, kind, happened_at, due_at, attempts, attempts_before)
VALUES (%(event_id)s, %(endpoint_id)s, %(kind)s, %(now)s, %(at_once)s, 0, 0);

-- name: endpoints_alone
-- Endpoints are added one after the other, so that there are never more than allowed.
SELECT pg_advisory_xact_lock(hashtext('outbox_endpoint'));

-- name: count_endpoints
-- Those of one owner, and those of all but the operator.
SELECT count(*) FILTER (WHERE owner = %(owner)s), count(*) FILTER (WHERE owner <> '') FROM outbox_endpoint;

-- name: same_listener
SELECT endpoint_id FROM outbox_endpoint
WHERE owner = %(owner)s AND url = %(url)s AND kinds = %(kinds)s::text[]
ORDER BY created_at
LIMIT 1;

-- name: put_endpoint
INSERT INTO outbox_endpoint (
    endpoint_id, owner, url, kinds, description, sealed_secret, created_at, failures
) VALUES (%(endpoint_id)s, %(owner)s, %(url)s, %(kinds)s, %(description)s, %(sealed_secret)s, %(now)s, 0);

-- name: change_endpoint
UPDATE outbox_endpoint
SET
    url = coalesce(%(url)s, url),
    kinds = coalesce(%(kinds)s::text[], kinds),
    description = coalesce(%(description)s, description),
    rests_until = CASE WHEN %(url)s::text IS NULL THEN rests_until END
WHERE endpoint_id = %(endpoint_id)s;

-- name: delete_endpoint
-- What was on its way to it is never taken again, and is forgotten with the rest.
DELETE FROM outbox_endpoint WHERE endpoint_id = %(endpoint_id)s;

-- name: rotate_secret
UPDATE outbox_endpoint
SET
    sealed_old_secret = CASE WHEN %(old_until)s::timestamptz > %(now)s::timestamptz THEN sealed_secret END,
    old_secret_until = CASE WHEN %(old_until)s::timestamptz > %(now)s::timestamptz THEN %(old_until)s::timestamptz END,
    sealed_secret = %(sealed_secret)s
WHERE endpoint_id = %(endpoint_id)s;

-- name: disable_endpoint
UPDATE outbox_endpoint
SET disabled_at = %(now)s, disabled_reason = %(reason)s
WHERE endpoint_id = %(endpoint_id)s AND disabled_at IS NULL;

-- name: enable_endpoint
-- One that is failing, but not given up yet, is as much worth another try.
UPDATE outbox_endpoint
SET disabled_at = NULL, disabled_reason = NULL, failing_since = NULL, failures = 0, rests_until = NULL
WHERE endpoint_id = %(endpoint_id)s AND (disabled_at IS NOT NULL OR failing_since IS NOT NULL);

-- name: make_due
-- What failed before waits for an instant of its own, up to hours away; what was never tried is due as it is.
UPDATE outbox_delivery
SET due_at = %(now)s
WHERE delivery_id = ANY (ARRAY(
    SELECT delivery_id FROM outbox_delivery
    WHERE endpoint_id = %(endpoint_id)s AND delivered_at IS NULL AND failed_at IS NULL AND due_at > %(now)s
    ORDER BY due_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
));

-- name: endpoint
SELECT
    endpoint_id, owner, url, kinds, description, created_at, disabled_at, disabled_reason, failing_since,
    succeeded_at, old_secret_until
FROM outbox_endpoint
WHERE endpoint_id = %(endpoint_id)s;

-- name: endpoints
SELECT
    endpoint_id, owner, url, kinds, description, created_at, disabled_at, disabled_reason, failing_since,
    succeeded_at, old_secret_until
FROM outbox_endpoint
ORDER BY created_at, endpoint_id;

-- name: endpoints_ready
-- Those that are neither disabled nor left alone for a while, nor served already; the least lucky first.
SELECT endpoint_id, url, sealed_secret, sealed_old_secret, old_secret_until, failing_since IS NOT NULL
FROM outbox_endpoint
WHERE disabled_at IS NULL AND (rests_until IS NULL OR rests_until <= %(now)s) AND endpoint_id <> ALL (%(busy)s::uuid[])
ORDER BY succeeded_at NULLS FIRST, endpoint_id
LIMIT %(limit)s;

-- name: take_deliveries
-- So many for each endpoint, so that none waits behind another. The lease is committed before anything is sent; what
-- is leased stays at the head of the index and is passed over, like what another sender has locked.
UPDATE outbox_delivery d
SET leased_until = %(leased_until)s, attempts = d.attempts + 1, first_tried_at = coalesce(d.first_tried_at, %(now)s)
FROM outbox_event e
WHERE e.event_id = d.event_id AND d.delivery_id = ANY (ARRAY(
    SELECT w.delivery_id
    FROM unnest(%(endpoints)s::uuid[], %(limits)s::integer[]) AS n(endpoint_id, most)
    CROSS JOIN LATERAL (
        SELECT delivery_id FROM outbox_delivery
        WHERE endpoint_id = n.endpoint_id AND delivered_at IS NULL AND failed_at IS NULL AND due_at <= %(now)s
            AND (leased_until IS NULL OR leased_until <= %(now)s)
        ORDER BY due_at, delivery_id
        LIMIT n.most
        FOR UPDATE SKIP LOCKED
    ) w
))
RETURNING
    d.delivery_id, d.endpoint_id, d.event_id, d.kind, d.happened_at, e.data::text, e.is_whole_body, d.attempts,
    d.attempts - d.attempts_before, d.first_tried_at;

-- name: take_delivery
-- One event to one endpoint, for whoever waits to see what comes of it; nothing else is taken.
UPDATE outbox_delivery d
SET leased_until = %(leased_until)s, attempts = d.attempts + 1, first_tried_at = coalesce(d.first_tried_at, %(now)s)
FROM outbox_event e
WHERE e.event_id = d.event_id AND d.delivery_id = ANY (ARRAY(
    SELECT delivery_id FROM outbox_delivery
    WHERE event_id = %(event_id)s AND endpoint_id = %(endpoint_id)s AND delivered_at IS NULL AND failed_at IS NULL
        AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
    FOR UPDATE SKIP LOCKED
))
RETURNING
    d.delivery_id, d.endpoint_id, d.event_id, d.kind, d.happened_at, e.data::text, e.is_whole_body, d.attempts,
    d.attempts - d.attempts_before, d.first_tried_at;

-- name: mark_delivered
-- Holds also for a sender whose lease has run out: the event did arrive.
UPDATE outbox_delivery
SET delivered_at = %(now)s, leased_until = NULL, failed_at = NULL, failure = NULL
WHERE delivery_id = ANY (%(deliveries)s) AND delivered_at IS NULL;

-- name: mark_undelivered
-- Only whoever made the newest attempt says what comes next.
UPDATE outbox_delivery d
SET
    leased_until = NULL,
    due_at = coalesce(f.due_at, d.due_at),
    failed_at = CASE WHEN f.due_at IS NULL THEN %(now)s::timestamptz END,
    failure = f.failure
FROM unnest(%(deliveries)s::bigint[], %(attempts)s::integer[], %(due_at)s::timestamptz[], %(failures)s::text[])
    AS f(delivery_id, attempts, due_at, failure)
WHERE d.delivery_id = f.delivery_id AND d.attempts = f.attempts AND d.delivered_at IS NULL AND d.failed_at IS NULL;

-- name: give_back
-- What was taken and not tried, because the endpoint failed before its turn came, was no attempt.
UPDATE outbox_delivery d
SET
    leased_until = NULL, attempts = d.attempts - 1,
    first_tried_at = CASE WHEN d.attempts - 1 > d.attempts_before THEN d.first_tried_at END
FROM unnest(%(deliveries)s::bigint[], %(attempts)s::integer[]) AS f(delivery_id, attempts)
WHERE d.delivery_id = f.delivery_id AND d.attempts = f.attempts AND d.delivered_at IS NULL AND d.failed_at IS NULL;

-- name: put_attempts
INSERT INTO outbox_attempt (endpoint_id, event_id, kind, number, started_at, latency_ms, status, failure)
SELECT *
FROM unnest(
    %(endpoints)s::uuid[], %(events)s::uuid[], %(kinds)s::text[], %(numbers)s::integer[],
    %(started_at)s::timestamptz[], %(latency_ms)s::integer[], %(statuses)s::smallint[], %(failures)s::text[]
);

-- name: endpoint_succeeded
UPDATE outbox_endpoint
SET succeeded_at = greatest(succeeded_at, %(now)s::timestamptz), failing_since = NULL, failures = 0, rests_until = NULL
WHERE endpoint_id = %(endpoint_id)s;

-- name: endpoint_failing
-- How often it failed in a row says how long it is left alone. What fails while it rests was begun before.
UPDATE outbox_endpoint
SET
    failing_since = coalesce(failing_since, %(now)s),
    failures = failures + CASE WHEN rests_until > %(now)s THEN 0 ELSE 1 END
WHERE endpoint_id = %(endpoint_id)s
RETURNING failing_since, failures;

-- name: endpoint_rests
UPDATE outbox_endpoint SET rests_until = %(rests_until)s WHERE endpoint_id = %(endpoint_id)s;

-- name: replay_event
-- Not what a sender holds right now.
UPDATE outbox_delivery
SET
    due_at = %(now)s, leased_until = NULL, delivered_at = NULL, failed_at = NULL, failure = NULL,
    first_tried_at = NULL, attempts_before = attempts
WHERE endpoint_id = %(endpoint_id)s AND event_id = %(event_id)s
    AND (leased_until IS NULL OR leased_until <= %(now)s);

-- name: replay_failed
UPDATE outbox_delivery
SET
    due_at = %(now)s, leased_until = NULL, failed_at = NULL, failure = NULL, first_tried_at = NULL,
    attempts_before = attempts
WHERE delivery_id = ANY (ARRAY(
    SELECT delivery_id FROM outbox_delivery
    WHERE endpoint_id = %(endpoint_id)s AND failed_at IS NOT NULL AND happened_at >= %(since)s
    ORDER BY delivery_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
));

-- name: deliveries
SELECT
    d.delivery_id, d.event_id, d.kind, d.happened_at, d.attempts, d.due_at, d.delivered_at, d.failed_at, d.failure
FROM outbox_delivery d
WHERE d.endpoint_id = %(endpoint_id)s AND d.delivery_id < %(before)s
    AND (NOT %(only_failed)s OR d.failed_at IS NOT NULL)
ORDER BY d.delivery_id DESC
LIMIT %(limit)s;

-- name: attempts
SELECT attempt_id, event_id, kind, number, started_at, latency_ms, status, failure
FROM outbox_attempt
WHERE endpoint_id = %(endpoint_id)s AND attempt_id < %(before)s
ORDER BY attempt_id DESC
LIMIT %(limit)s;

-- name: deliveries_waiting
SELECT count(*), min(d.happened_at)
FROM outbox_delivery d
JOIN outbox_endpoint n ON n.endpoint_id = d.endpoint_id AND n.disabled_at IS NULL
WHERE d.delivered_at IS NULL AND d.failed_at IS NULL;

-- name: attempts_failed
SELECT count(*) FROM outbox_attempt WHERE failure IS NOT NULL AND started_at >= %(since)s;

-- name: endpoints_disabled
SELECT disabled_reason, count(*) FROM outbox_endpoint WHERE disabled_at IS NOT NULL GROUP BY 1 ORDER BY 1;

-- name: forget_deliveries
DELETE FROM outbox_delivery
WHERE delivery_id = ANY (ARRAY(
    SELECT delivery_id FROM outbox_delivery WHERE happened_at < %(before)s
    ORDER BY happened_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
));

-- name: forget_events
DELETE FROM outbox_event
WHERE event_id = ANY (ARRAY(
    SELECT event_id FROM outbox_event WHERE happened_at < %(before)s
    ORDER BY happened_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
));

-- name: forget_attempts
DELETE FROM outbox_attempt
WHERE attempt_id = ANY (ARRAY(
    SELECT attempt_id FROM outbox_attempt WHERE started_at < %(before)s
    ORDER BY started_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
));

-- name: erase_deliveries_of_line
-- Before the events themselves, by which they are found.
DELETE FROM outbox_delivery
WHERE event_id IN (SELECT event_id FROM outbox_event WHERE subscriber_id = %(line)s);

-- name: erase_events_of_line
DELETE FROM outbox_event WHERE subscriber_id = %(line)s;

-- name: export_events_of_line
SELECT kind, data::text, happened_at
FROM outbox_event
WHERE subscriber_id = %(line)s
ORDER BY happened_at DESC, event_id
LIMIT %(limit)s
