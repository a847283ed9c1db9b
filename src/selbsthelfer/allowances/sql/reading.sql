-- name: allowance_at
-- A line's standing with its buckets in the order in which they burn, or with none: one row at least.
-- What was left at an instant is what is left now and what burned after it, which for the present is nothing: so a
-- page reads one entry of each bucket, not all. Buckets rest while the line is suspended and end with it: both as
-- known now.
SELECT
    s.ended_at,
    coalesce((
        SELECT c.suspended FROM subscribers_change c
        WHERE c.subscriber_id = s.subscriber_id AND c.suspended IS NOT NULL AND c.happened_at <= %(at)s
        ORDER BY c.happened_at DESC, c.id DESC, c.source DESC LIMIT 1
    ), false) AS is_resting,
    b.bucket_id, b.kind, b.size_bytes,
    (n.balance_bytes - coalesce(l.bytes, 0))::bigint AS left_bytes, b.valid_from, b.valid_until
FROM subscribers_subscriber s
LEFT JOIN allowances_bucket b
    ON b.subscriber_id = s.subscriber_id AND b.valid_from <= %(at)s AND b.valid_until > %(at)s
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

-- name: entries
-- Newest first; a page goes on after the key of the last entry of the page before. What burned is read by its index
-- and no further than the page; credits are as few as buckets.
SELECT
    b.kind, e.bucket_id, e.ordinal, e.amount_bytes, e.balance_bytes, e.happened_at, e.received_at,
    e.fact_source, e.fact_id
FROM (
    (
        SELECT * FROM allowances_entry
        WHERE subscriber_id = %(line)s AND amount_bytes < 0
        AND (happened_at, bucket_id, ordinal) < (%(happened_at)s, %(bucket_id)s, %(ordinal)s)
        ORDER BY happened_at DESC, bucket_id DESC, ordinal DESC
        LIMIT %(limit)s
    )
    UNION ALL
    SELECT c.*
    FROM allowances_bucket b
    JOIN allowances_entry c ON c.subscriber_id = b.subscriber_id AND c.bucket_id = b.bucket_id AND c.ordinal = 1
    WHERE b.subscriber_id = %(line)s
    AND (c.happened_at, c.bucket_id, c.ordinal) < (%(happened_at)s, %(bucket_id)s, %(ordinal)s)
) e
JOIN allowances_bucket b ON b.subscriber_id = e.subscriber_id AND b.bucket_id = e.bucket_id
ORDER BY e.happened_at DESC, e.bucket_id DESC, e.ordinal DESC
LIMIT %(limit)s;

-- name: usage_total
-- The time of usage leads the key after the line, so that only the stretch asked about is read.
SELECT count(*), coalesce(sum(bytes), 0)::bigint, coalesce(sum(unmet_bytes), 0)::bigint
FROM allowances_usage
WHERE subscriber_id = %(line)s AND happened_at >= %(from_at)s AND happened_at < %(until_at)s
