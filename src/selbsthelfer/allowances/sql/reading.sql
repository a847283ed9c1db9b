-- name: allowance_at
-- A line's standing with its buckets in the order in which they burn, or with none: one row at least.
-- What was left at an instant is what is left now and what burned after it, which for the present is nothing: so a
-- page reads one entry of each bucket, not all. Buckets rest while the line is suspended and end with it: both as
-- known now. A bucket whose order the charging system has not confirmed is not to be called usable. What was used in a
-- period that is asked about comes along in every row, as in `usage_now`: the page that everybody opens first asks once.
SELECT
    s.ended_at,
    coalesce((
        SELECT c.suspended FROM subscribers_change c
        WHERE c.subscriber_id = s.subscriber_id AND c.suspended IS NOT NULL AND c.happened_at <= %(at)s
        ORDER BY c.happened_at DESC, c.id DESC, c.source DESC LIMIT 1
    ), false) AS is_resting,
    b.bucket_id, b.kind, b.size_bytes,
    (n.balance_bytes - coalesce(l.bytes, 0))::bigint AS left_bytes, b.valid_from, b.valid_until,
    coalesce(o.state = 'confirmed', true) AS is_confirmed,
    u.records, u.bytes, u.happened_at, u.received_at
FROM subscribers_subscriber s
CROSS JOIN (
    SELECT p.records, p.bytes, n.happened_at, n.received_at
    FROM (
        SELECT count(*) AS records, coalesce(sum(bytes), 0)::bigint AS bytes
        FROM allowances_usage
        WHERE subscriber_id = %(line)s AND happened_at >= %(starts_at)s AND happened_at < %(ends_at)s
        AND happened_at <= %(at)s
    ) p
    LEFT JOIN (
        SELECT happened_at, received_at
        FROM allowances_usage
        WHERE subscriber_id = %(line)s AND happened_at <= %(at)s
        ORDER BY happened_at DESC, id DESC, source DESC
        LIMIT 1
    ) n ON true
) u
LEFT JOIN allowances_bucket b
    ON b.subscriber_id = s.subscriber_id AND b.valid_from <= %(at)s AND b.valid_until > %(at)s
LEFT JOIN charging_creditorder o ON o.subscriber_id = b.subscriber_id AND o.credit_id = b.bucket_id
LEFT JOIN LATERAL (
    SELECT e.balance_bytes FROM allowances_entry e
    WHERE e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
    ORDER BY e.ordinal DESC LIMIT 1
) n ON true
LEFT JOIN (
    SELECT bucket_id, sum(amount_bytes) AS bytes
    FROM allowances_entry
    WHERE subscriber_id = %(line)s AND amount_bytes < 0 AND happened_at > %(at)s
    GROUP BY bucket_id
) l ON l.bucket_id = b.bucket_id
WHERE s.subscriber_id = %(line)s
ORDER BY b.valid_until, array_position(%(burn_order)s::text[], b.kind), b.valid_from, b.bucket_id;

-- name: included_terms_of_line
-- Asked where a page finds no included bucket yet: all that its stretch and its size are made of, in one answer.
SELECT jsonb_build_object(
    'registered_bytes', s.registered_included_bytes,
    'timezone', s.timezone,
    'billing_day', s.billing_day,
    'period_days', s.period_days,
    'period_anchor', s.period_anchor,
    'included_changes', coalesce((
        SELECT jsonb_agg(jsonb_build_array(c.happened_at, c.id, c.source, c.received_at, c.included_bytes))
        FROM subscribers_change c
        WHERE c.subscriber_id = s.subscriber_id AND c.included_bytes IS NOT NULL
    ), '[]'),
    'billing_day_changes', coalesce((
        SELECT jsonb_agg(jsonb_build_array(d.happened_at, d.id, d.source, d.billing_day))
        FROM subscribers_billingdaychanged d
        WHERE d.subscriber_id = s.subscriber_id
    ), '[]'),
    'stretches', coalesce((
        SELECT jsonb_agg(jsonb_build_array(b.valid_from, b.valid_until))
        FROM allowances_bucket b
        WHERE b.subscriber_id = s.subscriber_id AND b.kind = 'included'
    ), '[]')
)
FROM subscribers_subscriber s
WHERE s.subscriber_id = %(line)s;

-- name: entries
-- Newest first; a page goes on after the key of the last entry of the page before. What burned is read by its index
-- and no further than the page; credits are as few as buckets.
SELECT
    b.kind, e.bucket_id, e.ordinal, e.amount_bytes, e.balance_bytes, e.happened_at, e.received_at,
    e.fact_source, e.fact_id
FROM (
    (
        SELECT * FROM allowances_entry
        WHERE subscriber_id = %(line)s AND amount_bytes < 0 AND happened_at >= %(from_at)s
        AND (happened_at, bucket_id, ordinal) < (%(happened_at)s, %(bucket_id)s, %(ordinal)s)
        ORDER BY happened_at DESC, bucket_id DESC, ordinal DESC
        LIMIT %(limit)s
    )
    UNION ALL
    SELECT c.*
    FROM allowances_bucket b
    JOIN allowances_entry c ON c.subscriber_id = b.subscriber_id AND c.bucket_id = b.bucket_id AND c.ordinal = 1
    WHERE b.subscriber_id = %(line)s AND c.happened_at >= %(from_at)s
    AND (c.happened_at, c.bucket_id, c.ordinal) < (%(happened_at)s, %(bucket_id)s, %(ordinal)s)
) e
JOIN allowances_bucket b ON b.subscriber_id = e.subscriber_id AND b.bucket_id = e.bucket_id
ORDER BY e.happened_at DESC, e.bucket_id DESC, e.ordinal DESC
LIMIT %(limit)s;

-- name: usage_total
-- The time of usage leads the key after the line, so that only the stretch asked about is read.
SELECT count(*), coalesce(sum(bytes), 0)::bigint, coalesce(sum(unmet_bytes), 0)::bigint
FROM allowances_usage
WHERE subscriber_id = %(line)s AND happened_at >= %(from_at)s AND happened_at < %(until_at)s;

-- name: usage_now
-- One question for the page that everybody opens first: the sum of the running period, and the newest record,
-- also where that lies before the period, because it tells how fresh the sum is.
SELECT p.records, p.bytes, n.happened_at, n.received_at
FROM (
    SELECT count(*) AS records, coalesce(sum(bytes), 0)::bigint AS bytes
    FROM allowances_usage
    WHERE subscriber_id = %(line)s AND happened_at >= %(starts_at)s AND happened_at < %(ends_at)s
    AND happened_at <= %(at)s
) p
LEFT JOIN (
    SELECT happened_at, received_at
    FROM allowances_usage
    WHERE subscriber_id = %(line)s AND happened_at <= %(at)s
    ORDER BY happened_at DESC, id DESC, source DESC
    LIMIT 1
) n ON true;

-- name: usage_by_day
-- The boundaries of the days come from the caller, because no calendar is computed here.
SELECT width_bucket(happened_at, %(bounds)s::timestamptz[]), sum(bytes)::bigint, sum(unmet_bytes)::bigint
FROM allowances_usage
WHERE subscriber_id = %(line)s AND happened_at >= %(from_at)s AND happened_at < %(until_at)s
GROUP BY 1;

-- name: buckets_ending
-- The partial index leads by the end and goes on by the key, so a page reads no more than itself. What is used up,
-- rests, or is not confirmed needs no reminder.
SELECT b.subscriber_id, b.bucket_id, b.size_bytes, n.balance_bytes, b.valid_until
FROM allowances_bucket b
JOIN subscribers_subscriber s
    ON s.subscriber_id = b.subscriber_id AND NOT s.suspended AND (s.ended_at IS NULL OR s.ended_at >= b.valid_until)
LEFT JOIN charging_creditorder o ON o.subscriber_id = b.subscriber_id AND o.credit_id = b.bucket_id
JOIN LATERAL (
    SELECT e.balance_bytes FROM allowances_entry e
    WHERE e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
    ORDER BY e.ordinal DESC LIMIT 1
) n ON n.balance_bytes > 0
WHERE b.kind = 'bonus' AND b.valid_until < %(until_at)s
AND (b.valid_until, b.subscriber_id, b.bucket_id) > (%(ends_at)s, %(subscriber_id)s, %(bucket_id)s)
AND coalesce(o.state = 'confirmed', true)
ORDER BY b.valid_until, b.subscriber_id, b.bucket_id
LIMIT %(limit)s;

-- name: export_buckets
SELECT
    b.bucket_id, b.kind, b.size_bytes, b.valid_from, b.valid_until,
    (
        SELECT e.balance_bytes FROM allowances_entry e
        WHERE e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
        ORDER BY e.ordinal DESC LIMIT 1
    ) AS left_bytes
FROM allowances_bucket b
WHERE b.subscriber_id = %(line)s
ORDER BY b.valid_until DESC, b.bucket_id
LIMIT %(limit)s;

-- name: export_usage
SELECT happened_at, received_at, bytes, unmet_bytes
FROM allowances_usage
WHERE subscriber_id = %(line)s
ORDER BY happened_at DESC, id DESC, source DESC
LIMIT %(limit)s;

-- name: export_courtesies
-- What staff wrote about the person is theirs to read.
SELECT happened_at, received_at, bytes, reason
FROM allowances_courtesy
WHERE subscriber_id = %(line)s
ORDER BY happened_at DESC, id DESC, source DESC
LIMIT %(limit)s;

-- name: export_notices
SELECT percent, noticed_at, received_at, bonus_bytes
FROM allowances_notice
WHERE subscriber_id = %(line)s
ORDER BY noticed_at DESC, bucket_id, percent
LIMIT %(limit)s
