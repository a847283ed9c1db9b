-- name: file_document
-- The key decides who was first; the others learn what the first one asked.
INSERT INTO partners_document (
    is_sandbox, kind, id, client, digest, subscriber_id, bucket_id, held_bytes, status, content, asked_at, changed_at,
    ends_at, fact_source, changes
)
VALUES (
    %(is_sandbox)s, %(kind)s, %(id)s, %(client)s, %(digest)s, %(line)s, %(bucket_id)s, %(held_bytes)s, %(status)s,
    %(content)s::jsonb, %(now)s, %(now)s, %(ends_at)s, %(fact_source)s, 0
)
ON CONFLICT (is_sandbox, kind, id) DO NOTHING
RETURNING true;

-- name: document
-- Followed by one of the parts below that say which. The bucket tells how long the volume is valid; with a charging
-- system outside, its order tells whether it has arrived.
SELECT
    d.kind, d.id, d.client, d.digest, d.subscriber_id, d.bucket_id, d.held_bytes, d.status, d.content::text, d.asked_at,
    d.changed_at, d.ends_at, d.fact_source, d.changes, o.state, b.valid_from, b.valid_until
FROM partners_document d
LEFT JOIN allowances_bucket b ON b.subscriber_id = d.subscriber_id AND b.bucket_id = d.bucket_id
LEFT JOIN charging_creditorder o ON o.subscriber_id = d.subscriber_id AND o.credit_id = d.bucket_id
WHERE d.is_sandbox = %(is_sandbox)s AND d.kind = %(kind)s

-- name: of_id
AND d.id = %(id)s;

-- name: of_id_locked
AND d.id = %(id)s FOR UPDATE OF d;

-- name: newest
ORDER BY d.asked_at DESC, d.id LIMIT %(limit)s OFFSET %(offset)s;

-- name: newest_of_line
AND d.subscriber_id = %(line)s ORDER BY d.asked_at DESC, d.id LIMIT %(limit)s OFFSET %(offset)s;

-- name: count_documents
-- No further than lists reach: counting millions for a header would be slower than the list.
SELECT count(*) FROM (
    SELECT 1 FROM partners_document
    WHERE is_sandbox = %(is_sandbox)s AND kind = %(kind)s AND (%(line)s::uuid IS NULL OR subscriber_id = %(line)s)
    LIMIT %(most)s
) d;

-- name: change_document
UPDATE partners_document
SET status = %(status)s, content = %(content)s::jsonb, changed_at = %(now)s, fact_source = %(fact_source)s,
    subscriber_id = coalesce(%(line)s, subscriber_id), changes = changes + 1
WHERE is_sandbox = %(is_sandbox)s AND kind = %(kind)s AND id = %(id)s;

-- name: lock_reservations
-- Two reservations of one bucket at the same instant must not both find the volume free.
SELECT pg_advisory_xact_lock(hashtextextended('partners ' || %(bucket_id)s::uuid::text, 0));

-- name: held
-- What is reserved of the buckets of a line at an instant.
SELECT bucket_id, sum(held_bytes)::bigint
FROM partners_document
WHERE subscriber_id = %(line)s AND held_bytes IS NOT NULL AND status = 'completed' AND ends_at > %(at)s
GROUP BY bucket_id;

-- name: buckets_of_line
-- All of a line, also those that have ended or not begun; what is left is the balance of the newest entry.
SELECT
    b.bucket_id, b.kind, b.size_bytes,
    (
        SELECT e.balance_bytes FROM allowances_entry e
        WHERE e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
        ORDER BY e.ordinal DESC LIMIT 1
    ),
    b.valid_from, b.valid_until
FROM allowances_bucket b
WHERE b.subscriber_id = %(line)s
ORDER BY b.valid_until DESC, b.bucket_id
LIMIT %(limit)s;

-- name: forget_oldest
-- The sandbox keeps the newest of each kind and no more.
DELETE FROM partners_document
WHERE is_sandbox AND kind = %(kind)s AND id = ANY (ARRAY(
    SELECT id FROM partners_document
    WHERE is_sandbox AND kind = %(kind)s
    ORDER BY asked_at DESC, id OFFSET %(most)s LIMIT 1000
));

-- name: forget_old
-- What holds volume yet stays. Rows are told by place, which a lock keeps: their key has three columns.
DELETE FROM partners_document
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM partners_document
    WHERE NOT is_sandbox AND changed_at < %(before)s AND (ends_at IS NULL OR ends_at < %(before)s)
    ORDER BY changed_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
));

-- name: export_of_line
SELECT kind, id, status, asked_at, content::text
FROM partners_document
WHERE subscriber_id = %(line)s
ORDER BY asked_at DESC, kind, id
LIMIT %(limit)s;

-- name: erase_of_line
-- Volume that is held stays held, and no id can be taken twice; what was asked is gone.
UPDATE partners_document
SET content = '{}'::jsonb, client = ''
WHERE subscriber_id = %(line)s;
