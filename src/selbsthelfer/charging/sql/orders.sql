-- Orders on their way: what a worker takes, locks and writes. Each question about orders begins with `order` and goes
-- on with one of the pieces that follow it. The line comes along: who the recipient is, and whether the line has ended.

-- name: order
SELECT
    o.subscriber_id, o.credit_id, o.system, o.state, o.bytes, o.valid_from, o.valid_until, o.ordered_at,
    o.confirmed_at, o.recipient, o.due_at, o.attempts, o.sent_at, o.place, o.failure, o.troubled_at, o.owed_at,
    o.made_good_at, o.failures, s.subject, s.msisdn, s.account, s.ended_at
FROM charging_creditorder o
LEFT JOIN subscribers_subscriber s ON s.subscriber_id = o.subscriber_id;

-- name: that_are_due
-- Two workers never take the same order: each passes over what the other has locked.
WHERE o.state = %(state)s AND o.due_at <= %(now)s AND o.system = %(system)s AND o.valid_until > %(now)s
ORDER BY o.due_at, o.ordered_at
LIMIT %(limit)s
FOR UPDATE OF o SKIP LOCKED;

-- name: that_are_open
WHERE o.state = 'open' AND o.system = %(system)s AND o.valid_until > %(now)s
    AND (o.subscriber_id, o.credit_id) > (%(line)s, %(credit)s)
ORDER BY o.subscriber_id, o.credit_id
LIMIT %(limit)s
FOR UPDATE OF o SKIP LOCKED;

-- name: that_have_ended
-- Whatever system they were for. What is on its way is due only after it can no longer take effect.
WHERE o.state = ANY ('{open,uncertain}') AND o.due_at <= %(now)s AND o.valid_until <= %(now)s
ORDER BY o.due_at
LIMIT %(limit)s
FOR UPDATE OF o SKIP LOCKED;

-- name: with_keys
-- Locked in the order of their keys, so that nobody waits for somebody who waits.
WHERE (o.subscriber_id, o.credit_id) IN (SELECT * FROM unnest(%(lines)s::uuid[], %(credits)s::uuid[]))
ORDER BY o.subscriber_id, o.credit_id
FOR UPDATE OF o;

-- name: of_recipients
WHERE o.recipient = ANY (%(recipients)s) AND o.valid_until > %(now)s AND o.system = %(system)s
ORDER BY o.subscriber_id, o.credit_id
FOR UPDATE OF o;

-- name: with_credit_id
-- For a person who has nothing but the id of the credit: only orders in trouble are asked for, and they are few.
WHERE o.state <> 'confirmed' AND o.credit_id = %(credit_id)s
FOR UPDATE OF o;

-- name: change_orders
UPDATE charging_creditorder o
SET
    state = n.state, confirmed_at = n.confirmed_at, recipient = n.recipient, due_at = n.due_at,
    attempts = n.attempts, sent_at = n.sent_at, place = n.place, failure = n.failure, troubled_at = n.troubled_at,
    owed_at = n.owed_at, made_good_at = n.made_good_at, failures = n.failures
FROM unnest(
    %(subscriber_id)s::uuid[], %(credit_id)s::uuid[], %(state)s::text[], %(confirmed_at)s::timestamptz[],
    %(recipient)s::text[], %(due_at)s::timestamptz[], %(attempts)s::integer[], %(sent_at)s::timestamptz[],
    %(place)s::text[], %(failure)s::text[], %(troubled_at)s::timestamptz[], %(owed_at)s::timestamptz[],
    %(made_good_at)s::timestamptz[], %(failures)s::integer[]
) AS n(
    subscriber_id, credit_id, state, confirmed_at, recipient, due_at, attempts, sent_at, place, failure, troubled_at,
    owed_at, made_good_at, failures
)
WHERE o.subscriber_id = n.subscriber_id AND o.credit_id = n.credit_id;

-- name: end_attempts
UPDATE charging_attempt a
SET ended_at = n.ended_at, outcome = n.outcome, code = n.code
FROM unnest(
    %(lines)s::uuid[], %(credits)s::uuid[], %(ordinals)s::integer[], %(ended_at)s::timestamptz[],
    %(outcomes)s::text[], %(codes)s::text[]
) AS n(subscriber_id, credit_id, ordinal, ended_at, outcome, code)
WHERE a.subscriber_id = n.subscriber_id AND a.credit_id = n.credit_id AND a.ordinal = n.ordinal
AND a.ended_at IS NULL;

-- name: drop_attempts
-- What was taken and surely not sent was no attempt; what is long over is forgotten.
DELETE FROM charging_attempt a
USING unnest(%(lines)s::uuid[], %(credits)s::uuid[], %(ordinals)s::integer[]) AS n(subscriber_id, credit_id, ordinal)
WHERE a.subscriber_id = n.subscriber_id AND a.credit_id = n.credit_id AND a.ordinal = n.ordinal;

-- name: mark_made_good
UPDATE charging_creditorder o
SET made_good_at = %(now)s
FROM unnest(%(lines)s::uuid[], %(credits)s::uuid[]) AS n(subscriber_id, credit_id)
WHERE o.subscriber_id = n.subscriber_id AND o.credit_id = n.credit_id
AND o.owed_at IS NOT NULL AND o.made_good_at IS NULL;

-- name: owe_no_more
UPDATE charging_creditorder o
SET owed_at = NULL
FROM unnest(%(lines)s::uuid[], %(credits)s::uuid[]) AS n(subscriber_id, credit_id)
WHERE o.subscriber_id = n.subscriber_id AND o.credit_id = n.credit_id
AND o.owed_at IS NOT NULL AND o.made_good_at IS NULL;

-- name: leave_to_a_person
-- Told once; what is owed no more is given up for good.
UPDATE charging_creditorder o
SET failure = %(code)s, troubled_at = %(now)s, owed_at = CASE WHEN %(is_owed)s THEN o.owed_at END
FROM unnest(%(lines)s::uuid[], %(credits)s::uuid[]) AS n(subscriber_id, credit_id)
WHERE o.subscriber_id = n.subscriber_id AND o.credit_id = n.credit_id
AND o.owed_at IS NOT NULL AND o.made_good_at IS NULL AND o.failure IS DISTINCT FROM %(code)s;

-- name: attempts_to_forget
-- The index on when they started tells the old ones; few of those are of volume that lasts for long.
SELECT a.subscriber_id, a.credit_id, a.ordinal
FROM charging_attempt a
JOIN charging_creditorder o ON o.subscriber_id = a.subscriber_id AND o.credit_id = a.credit_id
WHERE a.started_at < %(before)s AND o.valid_until < %(before)s
ORDER BY a.started_at
LIMIT %(limit)s
FOR UPDATE OF a SKIP LOCKED;

-- name: forget_recipients
-- A week after its volume has ended nobody asks the charging system for a bucket any more.
UPDATE charging_creditorder o
SET recipient = NULL
WHERE (o.subscriber_id, o.credit_id) IN (
    SELECT * FROM unnest(%(lines)s::uuid[], %(credits)s::uuid[])
);

-- name: recipients_to_forget
SELECT subscriber_id, credit_id
FROM charging_creditorder
WHERE recipient IS NOT NULL AND valid_until < %(before)s
ORDER BY valid_until
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: erase_line
-- What is on its way keeps its recipient, else nobody could find out what became of it.
UPDATE charging_creditorder
SET recipient = NULL
WHERE subscriber_id = %(line)s AND recipient IS NOT NULL AND state IN ('confirmed', 'refused')
