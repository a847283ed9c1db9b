-- The batch enters as a set of keys. A line's row is its lock: it is taken in key order before anything about
-- the line is read, so that two batches never decide for the same line at once.

-- name: prepare
CREATE TEMPORARY TABLE IF NOT EXISTS intake_arrived (
    ordinal integer NOT NULL,
    subscriber_id uuid NOT NULL,
    source text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
DELETE FROM intake_arrived;

-- name: register_alone
-- Batches that register lines take turns, and wait for batches that park facts: a fact parked meanwhile would
-- miss its line.
SELECT pg_advisory_xact_lock(hashtext('selbsthelfer.registration'));

-- name: park_with_others
SELECT pg_advisory_xact_lock_shared(hashtext('selbsthelfer.registration'));

-- name: lock_lines
-- One statement locks the lines and advances their frontiers; the batch decides up to there before it commits.
-- The order of the inner rows is the order of locking. Lines of which something comes behind their frontier are
-- named with that frontier; the others are only counted.
UPDATE intake_line l
SET frontier_at = greatest(l.frontier_at, a.last_received_at), earlier_frontier_at = l.frontier_at
FROM (
    SELECT subscriber_id, min(received_at) AS first_received_at, max(received_at) AS last_received_at
    FROM intake_arrived
    GROUP BY subscriber_id
    ORDER BY subscriber_id
) a
WHERE l.subscriber_id = a.subscriber_id
RETURNING
    CASE WHEN l.earlier_frontier_at > a.first_received_at THEN l.subscriber_id END,
    CASE WHEN l.earlier_frontier_at > a.first_received_at THEN l.earlier_frontier_at END;

-- name: plan_few_by_key
-- One statement, so that it travels with others. Without statistics of new tables the planner may read all of them.
SELECT
    set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('enable_nestloop', 'on', true);

-- name: lock_few
-- The same as lock_lines for a few lines, given in the order of locking; all are told with their frontiers.
UPDATE intake_line l
SET frontier_at = greatest(l.frontier_at, a.received_at), earlier_frontier_at = l.frontier_at
FROM unnest(%(lines)s::uuid[], %(received_at)s::timestamptz[]) AS a(subscriber_id, received_at)
WHERE l.subscriber_id = a.subscriber_id
RETURNING l.subscriber_id, l.earlier_frontier_at, l.frontier_at;

-- name: hold_few
-- The lines are locked, so that nobody else holds a key of theirs meanwhile; a key that is not returned was held
-- before.
INSERT INTO intake_key (subscriber_id, source, id, received_at)
SELECT subscriber_id, source, id, received_at
FROM unnest(%(lines)s::uuid[], %(sources)s::text[], %(ids)s::text[], %(received_at)s::timestamptz[])
    AS a(subscriber_id, source, id, received_at)
ON CONFLICT DO NOTHING
RETURNING subscriber_id, source, id;

-- name: unregistered_lines
SELECT DISTINCT a.subscriber_id
FROM intake_arrived a
LEFT JOIN intake_line l ON l.subscriber_id = a.subscriber_id
WHERE l.subscriber_id IS NULL;

-- name: spans
-- From where to where the clock and crises may be undecided.
SELECT l.subscriber_id, l.earlier_frontier_at, l.frontier_at
FROM (SELECT DISTINCT subscriber_id FROM intake_arrived) a
JOIN intake_line l ON l.subscriber_id = a.subscriber_id;

-- name: hold_keys
INSERT INTO intake_key (subscriber_id, source, id, received_at)
SELECT subscriber_id, source, id, received_at
FROM intake_arrived
WHERE ordinal <> ALL (%(left_out)s::integer[]);

-- name: known_facts
SELECT a.ordinal
FROM intake_arrived a
JOIN intake_key k ON k.subscriber_id = a.subscriber_id AND k.source = a.source AND k.id = a.id;

-- name: later_instants
-- What a line learned after facts that arrive behind its frontier is decided again: those facts may change it.
SELECT DISTINCT k.subscriber_id, k.received_at
FROM unnest(%(lines)s::uuid[], %(after)s::timestamptz[]) AS l(subscriber_id, after_at)
JOIN intake_key k ON k.subscriber_id = l.subscriber_id AND k.received_at > l.after_at;

-- name: park
-- The first arrival of a parked fact holds.
INSERT INTO intake_parked (subscriber_id, source, id, received_at, parked_at, body)
VALUES (%(subscriber_id)s, %(source)s, %(id)s, %(received_at)s, %(parked_at)s, %(body)s)
ON CONFLICT DO NOTHING;

-- name: unpark
DELETE FROM intake_parked WHERE subscriber_id = ANY (%(lines)s) RETURNING body;

-- name: drop_stale_parked
DELETE FROM intake_parked p
USING (
    SELECT subscriber_id, source, id FROM intake_parked WHERE parked_at <= %(before)s
    ORDER BY parked_at LIMIT %(limit)s
) stale
WHERE p.subscriber_id = stale.subscriber_id AND p.source = stale.source AND p.id = stale.id
RETURNING p.body;

-- name: registered
SELECT subscriber_id FROM intake_line WHERE subscriber_id = ANY (%(lines)s);

-- name: reject
INSERT INTO intake_reject (digest, code, field, reason, source, id, subject, body, times, first_rejected_at)
SELECT r.*, %(rejected_at)s
FROM unnest(
    %(digest)s::bytea[], %(code)s::text[], %(field)s::text[], %(reason)s::text[], %(source)s::text[], %(id)s::text[],
    %(subject)s::text[], %(body)s::text[], %(times)s::integer[]
) AS r
ON CONFLICT (digest) DO UPDATE SET times = intake_reject.times + excluded.times;

-- name: reject_counts
SELECT code, count(*), sum(times)::bigint FROM intake_reject GROUP BY code ORDER BY code;

-- name: rejects
SELECT code, field, reason, source, id, subject, body, first_rejected_at, times
FROM intake_reject
WHERE %(code)s::text IS NULL OR code = %(code)s
ORDER BY first_rejected_at DESC, digest
LIMIT %(limit)s;

-- name: unswept_crises
SELECT source, id, received_at FROM contacts_crisis WHERE swept_at IS NULL ORDER BY received_at, source, id;

-- name: lines_in_crisis
SELECT DISTINCT c.subscriber_id
FROM contacts_crisis s
JOIN contacts_contact c
    ON c.happened_at >= s.from_at AND c.happened_at < s.until_at AND c.received_at <= s.received_at
WHERE s.source = %(source)s AND s.id = %(id)s AND c.subscriber_id > %(beyond)s
ORDER BY c.subscriber_id
LIMIT %(limit)s;

-- name: lines_behind_clock
-- The lines whose clock may have made something due since they were last decided, by key.
SELECT DISTINCT l.subscriber_id
FROM intake_line l
JOIN programmes_enrolment e ON e.subscriber_id = l.subscriber_id
JOIN programmes_version v ON v.programme = e.programme AND v.version = e.version AND v.release = 'period_start'
WHERE l.subscriber_id > %(beyond)s AND l.frontier_at < %(until)s
ORDER BY l.subscriber_id
LIMIT %(limit)s;

-- name: lock_swept_lines
SELECT subscriber_id, frontier_at
FROM intake_line
WHERE subscriber_id = ANY (%(lines)s)
ORDER BY subscriber_id
FOR NO KEY UPDATE;

-- name: advance_swept_lines
UPDATE intake_line SET frontier_at = %(until)s
WHERE subscriber_id = ANY (%(lines)s) AND frontier_at < %(until)s
;

-- name: candidates
SELECT subscriber_id, subject, tariff, included_bytes, registered_at
FROM subscribers_subscriber
WHERE subscriber_id > %(beyond)s AND ended_at IS NULL
AND (%(lines)s::uuid[] IS NULL OR subscriber_id = ANY (%(lines)s::uuid[]))
ORDER BY subscriber_id
LIMIT %(limit)s
