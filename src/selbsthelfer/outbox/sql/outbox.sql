-- name: put_messages
-- A key that is there already means that the message was written before.
INSERT INTO outbox_message (
    key, kind, subscriber_id, channel, address, content, is_secret, created_at, due_at, attempts, failed_at, failure
)
SELECT
    m.key, m.kind, m.subscriber_id, m.channel, m.address, m.content::jsonb, m.kind = ANY (%(secret_kinds)s::text[]),
    m.created_at, CASE WHEN m.kind = ANY (%(secret_kinds)s::text[]) THEN %(at_once)s ELSE %(then)s END::timestamptz, 0,
    CASE WHEN m.failure IS NOT NULL THEN m.created_at END, m.failure
FROM unnest(
    %(keys)s::text[], %(kinds)s::text[], %(lines)s::uuid[], %(channels)s::text[], %(addresses)s::text[],
    %(contents)s::text[], %(created_at)s::timestamptz[], %(failures)s::text[]
) AS m(key, kind, subscriber_id, channel, address, content, created_at, failure)
ON CONFLICT (key) DO NOTHING;

-- name: put_into_inbox
-- What stays in the house needs no attempt of its own, so a whole batch is sent at once. Two senders never take
-- the same message: each passes over what the other has locked. Rows are chosen as an array, here and below, because
-- a choice that is joined may be made more than once, and then takes more rows than its limit.
UPDATE outbox_message m
SET sent_at = %(now)s, attempts = m.attempts + 1
WHERE m.message_id = ANY (ARRAY(
    SELECT message_id FROM outbox_message
    WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= %(now)s
        AND (channel = 'inbox' OR %(all_channels)s)
    ORDER BY due_at, message_id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
))
RETURNING m.message_id, m.kind;

-- name: take_next
-- The lease is committed before the message goes out, so no lock is held while a gateway is waited for. A sender
-- that dies leaves the message to whoever comes after the lease; the count of attempts tells the two apart.
UPDATE outbox_message m
SET due_at = %(leased_until)s, attempts = m.attempts + 1
WHERE m.message_id = ANY (ARRAY(
    SELECT message_id FROM outbox_message
    WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= %(now)s AND channel <> 'inbox'
    ORDER BY due_at, message_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
))
RETURNING
    m.message_id, m.key, m.kind, m.channel, m.address, m.content::text, m.is_secret, m.created_at, m.attempts;

-- name: mark_sent
-- Holds also for a sender whose lease has run out: the message did go out. A secret is emptied with it.
UPDATE outbox_message
SET
    sent_at = %(now)s,
    failed_at = NULL,
    failure = NULL,
    content = CASE WHEN is_secret THEN '{}' ELSE content END,
    address = CASE WHEN is_secret THEN NULL ELSE address END,
    emptied_at = CASE WHEN is_secret THEN %(now)s ELSE emptied_at END
WHERE message_id = %(message_id)s AND sent_at IS NULL;

-- name: mark_unsent
-- Only whoever made the newest attempt says what comes next.
UPDATE outbox_message
SET
    due_at = coalesce(%(due_at)s, due_at),
    failed_at = CASE WHEN %(due_at)s::timestamptz IS NULL THEN %(now)s::timestamptz END,
    failure = %(failure)s
WHERE message_id = %(message_id)s AND attempts = %(attempts)s AND sent_at IS NULL AND failed_at IS NULL;

-- name: empty_old
-- What was not sent by then never will be. The key stays, so that the same message is not written again.
UPDATE outbox_message m
SET
    content = '{}',
    address = NULL,
    emptied_at = %(now)s,
    failed_at = CASE WHEN m.sent_at IS NULL THEN coalesce(m.failed_at, %(now)s) END,
    failure = CASE WHEN m.sent_at IS NULL THEN coalesce(m.failure, 'too_late') ELSE m.failure END
WHERE m.message_id = ANY (ARRAY(
    SELECT message_id FROM outbox_message
    WHERE emptied_at IS NULL AND created_at < %(before)s
    ORDER BY created_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
));

-- name: empty_old_secrets
UPDATE outbox_message m
SET
    content = '{}',
    address = NULL,
    emptied_at = %(now)s,
    failed_at = CASE WHEN m.sent_at IS NULL THEN coalesce(m.failed_at, %(now)s) END,
    failure = CASE WHEN m.sent_at IS NULL THEN coalesce(m.failure, 'too_late') ELSE m.failure END
WHERE m.message_id = ANY (ARRAY(
    SELECT message_id FROM outbox_message
    WHERE emptied_at IS NULL AND is_secret AND created_at < %(before)s
    ORDER BY created_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
));

-- name: erase_line
UPDATE outbox_message
SET
    subscriber_id = NULL,
    content = '{}',
    address = NULL,
    emptied_at = coalesce(emptied_at, %(now)s),
    failed_at = CASE WHEN sent_at IS NULL THEN coalesce(failed_at, %(now)s) END,
    failure = CASE WHEN sent_at IS NULL THEN coalesce(failure, 'erased') ELSE failure END
WHERE subscriber_id = %(line)s;

-- name: waiting
-- A partial index holds nothing but what waits.
SELECT count(*), min(created_at) FROM outbox_message WHERE sent_at IS NULL AND failed_at IS NULL;

-- name: failures
SELECT coalesce(failure, ''), count(*) FROM outbox_message WHERE failed_at IS NOT NULL GROUP BY 1 ORDER BY 1;

-- name: newest
SELECT message_id, kind, channel, address, content::text, created_at, sent_at
FROM outbox_message
WHERE emptied_at IS NULL
ORDER BY message_id DESC
LIMIT %(limit)s;

-- name: newest_of_line
SELECT message_id, kind, channel, address, content::text, created_at, sent_at
FROM outbox_message
WHERE subscriber_id = %(line)s AND emptied_at IS NULL
ORDER BY message_id DESC
LIMIT %(limit)s;

-- name: newest_of_address
SELECT message_id, kind, channel, address, content::text, created_at, sent_at
FROM outbox_message
WHERE address = %(to)s AND emptied_at IS NULL
ORDER BY message_id DESC
LIMIT %(limit)s;

-- name: export_of_line
SELECT kind, channel, address, content::text, is_secret, created_at, sent_at
FROM outbox_message
WHERE subscriber_id = %(line)s
ORDER BY message_id DESC
LIMIT %(limit)s
