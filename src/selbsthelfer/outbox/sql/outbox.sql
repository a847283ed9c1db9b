-- name: put_messages
-- A key that is there already means that the message was written before.
INSERT INTO outbox_message (key, kind, subscriber_id, content, created_at)
SELECT m.key, m.kind, m.subscriber_id, m.content::jsonb, m.created_at
FROM unnest(
    %(keys)s::text[], %(kinds)s::text[], %(lines)s::uuid[], %(contents)s::text[], %(created_at)s::timestamptz[]
) AS m(key, kind, subscriber_id, content, created_at)
ON CONFLICT (key) DO NOTHING;

-- name: take_waiting
-- Two senders never take the same message: each passes over what the other has locked.
UPDATE outbox_message m
SET sent_at = %(now)s
FROM (
    SELECT message_id FROM outbox_message
    WHERE sent_at IS NULL
    ORDER BY message_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
) w
WHERE m.message_id = w.message_id
RETURNING m.message_id, m.kind;

-- name: waiting
-- A partial index holds nothing but what waits.
SELECT count(*), min(created_at) FROM outbox_message WHERE sent_at IS NULL
