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
CREATE TEMPORARY TABLE IF NOT EXISTS intake_arrived_line (
    ordinal integer NOT NULL,
    subscriber_id uuid NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL
) ON COMMIT DELETE ROWS;

-- name: clear
DELETE FROM intake_arrived; DELETE FROM intake_arrived_line;

-- name: plan_by_index
-- The batch is small beside the tables: every statement must find its rows by key, however many lines there are.
SET LOCAL enable_seqscan = off; SET LOCAL enable_mergejoin = off;

-- name: lock_lines
SELECT a.ordinal, l.frontier_at
FROM intake_arrived_line a
JOIN intake_line l ON l.subscriber_id = a.subscriber_id
ORDER BY l.subscriber_id
FOR NO KEY UPDATE OF l;

-- name: advance_frontiers
UPDATE intake_line l
SET frontier_at = a.last_received_at
FROM intake_arrived_line a
WHERE l.subscriber_id = a.subscriber_id AND l.frontier_at < a.last_received_at;

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
INSERT INTO intake_parked (subscriber_id, source, id, received_at, body)
VALUES (%(subscriber_id)s, %(source)s, %(id)s, %(received_at)s, %(body)s)
ON CONFLICT DO NOTHING;

-- name: unpark
DELETE FROM intake_parked WHERE subscriber_id = ANY (%(lines)s) RETURNING body;

-- name: drop_stale_parked
DELETE FROM intake_parked WHERE received_at <= %(before)s;

-- name: registered
SELECT subscriber_id FROM intake_line WHERE subscriber_id = ANY (%(lines)s);

-- name: reject
INSERT INTO intake_reject (digest, code, field, reason, source, id, subject, body, first_rejected_at, times)
VALUES (
    %(digest)s, %(code)s, %(field)s, %(reason)s, %(source)s, %(id)s, %(subject)s, %(body)s, %(rejected_at)s, 1
)
ON CONFLICT (digest) DO UPDATE SET times = intake_reject.times + 1;

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

-- name: mark_swept
UPDATE contacts_crisis SET swept_at = %(now)s WHERE source = %(source)s AND id = %(id)s;

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
