-- Courtesy volume of one line, with its bucket: a handful of rows by key. Both questions begin alike.

-- name: courtesy
SELECT
    c.happened_at, c.id, c.source, c.received_at, c.bytes, c.reason, c.by, c.bucket_id,
    b.valid_from, least(b.valid_until, s.ended_at) AS usable_until,
    (
        SELECT e.balance_bytes FROM allowances_entry e
        WHERE e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
        ORDER BY e.ordinal DESC LIMIT 1
    ) AS left_bytes,
    coalesce(o.state = 'confirmed', true) AS is_confirmed
FROM allowances_courtesy c
JOIN subscribers_subscriber s ON s.subscriber_id = c.subscriber_id
JOIN allowances_bucket b ON b.subscriber_id = c.subscriber_id AND b.bucket_id = c.bucket_id
LEFT JOIN charging_creditorder o ON o.subscriber_id = c.subscriber_id AND o.credit_id = c.bucket_id
WHERE c.subscriber_id = %(line)s;

-- name: and_on_page
AND (c.happened_at, c.id, c.source) < (%(happened_at)s, %(id)s, %(source)s)
ORDER BY c.happened_at DESC, c.id DESC, c.source DESC
LIMIT %(limit)s;

-- name: and_of_fact
AND c.id = %(id)s AND c.source = %(source)s;

-- name: courtesy_keys_of_buckets
SELECT c.subscriber_id, c.bucket_id, c.source, c.id
FROM unnest(%(lines)s::uuid[], %(buckets)s::uuid[]) AS n(subscriber_id, bucket_id)
JOIN allowances_courtesy c ON c.subscriber_id = n.subscriber_id AND c.bucket_id = n.bucket_id
