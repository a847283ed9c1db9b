-- What the demo shows after loading: a few aggregates over everything, read once, never on a hot path.

-- name: describe
SELECT obj_description('intake_line'::regclass, 'pg_class');

-- name: has_lines
SELECT EXISTS (SELECT FROM intake_line);

-- name: start_anew
-- Everything in the demo's database goes, tables too, so that the next one is built by the present version.
DROP SCHEMA public CASCADE; CREATE SCHEMA public;

-- name: totals
-- A crisis is a fact without a line, so it has no key.
SELECT
    (SELECT count(*) FROM subscribers_subscriber) AS lines,
    (SELECT count(*) FROM subscribers_subscriber WHERE ended_at <= %(now)s) AS ended,
    (SELECT count(*) FROM programmes_enrolment WHERE programme = %(programme)s AND variant = 'treatment') AS treatment,
    (SELECT count(*) FROM programmes_enrolment WHERE programme = %(programme)s AND variant = 'control') AS control,
    (SELECT count(*) FROM intake_key) + (SELECT count(*) FROM contacts_crisis) AS facts,
    (SELECT count(*) FROM contacts_contact) AS contacts,
    (SELECT count(*) FROM activities_activity) AS activities,
    (SELECT count(*) FROM activities_activity WHERE NOT succeeded) AS failed_activities;

-- name: given
SELECT
    coalesce(sum(grants), 0)::bigint, coalesce(sum(bytes), 0)::bigint, count(*),
    count(*) FILTER (WHERE bytes = cap_bytes)
FROM (
    SELECT count(*) AS grants, sum(bytes) AS bytes, max(cap_bytes) AS cap_bytes
    FROM programmes_release
    WHERE programme = %(programme)s AND bytes > 0 AND granted_at <= %(now)s
    GROUP BY subscriber_id
) lines;

-- name: used
SELECT coalesce(-sum(e.amount_bytes), 0)::bigint
FROM allowances_bucket b
JOIN allowances_entry e ON e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id AND e.ordinal > 1
WHERE b.kind = 'bonus';

-- name: contacts_by_channel
SELECT coalesce(channel, 'unknown'), count(*) FROM contacts_contact GROUP BY 1 ORDER BY 2 DESC, 1;

-- name: orders_by_state
SELECT state, count(*) FROM charging_creditorder GROUP BY state ORDER BY state;

-- name: all_earned
SELECT s.subject
FROM (
    SELECT subscriber_id FROM programmes_release
    WHERE programme = %(programme)s AND granted_at <= %(now)s
    GROUP BY subscriber_id HAVING sum(bytes) = max(cap_bytes)
) r
JOIN subscribers_subscriber s ON s.subscriber_id = r.subscriber_id
ORDER BY s.ended_at IS NOT NULL, s.subject
LIMIT 1;

-- name: newest
SELECT s.subject
FROM programmes_enrolment e
JOIN subscribers_subscriber s ON s.subscriber_id = e.subscriber_id
WHERE e.programme = %(programme)s AND e.variant = 'treatment' AND s.ended_at IS NULL AND e.stopped_at IS NULL
AND e.enrolled_at > %(now)s - interval '30 days'
ORDER BY e.enrolled_at DESC, s.subject
LIMIT 1;

-- name: bonus_left
-- Of the bonuses that can be used now and have between the least and the most share left, the one nearest to a share.
SELECT s.subject
FROM (
    SELECT DISTINCT ON (b.subscriber_id, b.bucket_id)
        b.subscriber_id, b.bucket_id, e.balance_bytes / b.size_bytes::double precision AS left_share
    FROM allowances_bucket b
    JOIN allowances_entry e ON e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
    WHERE b.kind = 'bonus' AND b.valid_from <= %(now)s AND %(now)s < b.valid_until
    ORDER BY b.subscriber_id, b.bucket_id, e.ordinal DESC
) n
JOIN subscribers_subscriber s ON s.subscriber_id = n.subscriber_id
WHERE s.ended_at IS NULL AND n.left_share BETWEEN %(least)s AND %(most)s
ORDER BY abs(n.left_share - %(wished)s), s.subject
LIMIT 1;

-- name: failed_last
SELECT s.subject
FROM activities_activity a
JOIN programmes_enrolment e ON e.subscriber_id = a.subscriber_id AND e.programme = %(programme)s
JOIN subscribers_subscriber s ON s.subscriber_id = a.subscriber_id
WHERE NOT a.succeeded AND a.happened_at > %(now)s - interval '3 days'
AND e.variant = 'treatment' AND s.ended_at IS NULL
AND NOT EXISTS (
    SELECT FROM activities_activity n
    WHERE n.subscriber_id = a.subscriber_id AND n.activity = a.activity AND n.succeeded AND n.happened_at > a.happened_at
)
ORDER BY a.happened_at DESC, s.subject
LIMIT 1
