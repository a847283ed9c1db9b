-- name: told_of_line
-- All that is known about a line's contacts in one answer. Of crises only those in which the line had a contact
-- can matter to it; over the years there are many others.
SELECT
    'contact' AS kind, happened_at, id, source, received_at, NULL AS contact_source, NULL AS contact_id,
    channel, direction, outcome, wait_seconds, talk_seconds, topic, queue,
    NULL::boolean AS counts, NULL::timestamptz AS from_at, NULL::timestamptz AS until_at, NULL::text[] AS topics
FROM contacts_contact
WHERE subscriber_id = %(line)s AND received_at <= %(known_until)s
UNION ALL
SELECT
    'coding', happened_at, id, source, received_at, contact_source, contact_id,
    NULL, NULL, NULL, NULL, NULL, topic, NULL, NULL, NULL, NULL, NULL
FROM contacts_coding
WHERE subscriber_id = %(line)s AND received_at <= %(known_until)s
UNION ALL
SELECT
    'reclassification', happened_at, id, source, received_at, contact_source, contact_id,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, counts, NULL, NULL, NULL
FROM contacts_reclassification
WHERE subscriber_id = %(line)s AND received_at <= %(known_until)s
UNION ALL
SELECT
    'crisis', declared_at, id, source, received_at, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, from_at, until_at, topics
FROM contacts_crisis s
WHERE received_at <= %(known_until)s AND EXISTS (
    SELECT FROM contacts_contact c
    WHERE c.subscriber_id = %(line)s AND c.happened_at >= s.from_at AND c.happened_at < s.until_at
)
ORDER BY kind, happened_at, id, source;

-- name: export_of_line
-- Everything that is kept about a line's contacts, what agents said of them included, for the one who asks.
SELECT to_jsonb(c) - 'subscriber_id' || jsonb_build_object(
    'codings', (
        SELECT coalesce(jsonb_agg(to_jsonb(k) - 'subscriber_id' ORDER BY k.happened_at), '[]') FROM contacts_coding k
        WHERE k.subscriber_id = c.subscriber_id AND k.contact_source = c.source AND k.contact_id = c.id
    ),
    'reclassifications', (
        SELECT coalesce(jsonb_agg(to_jsonb(r) - 'subscriber_id' ORDER BY r.happened_at), '[]')
        FROM contacts_reclassification r
        WHERE r.subscriber_id = c.subscriber_id AND r.contact_source = c.source AND r.contact_id = c.id
    )
)
FROM contacts_contact c
WHERE c.subscriber_id = %(line)s
ORDER BY c.happened_at DESC
LIMIT %(limit)s;

-- name: contact
-- A contact with the topic that an agent gave it last, else its own. Both questions about contacts begin alike.
SELECT
    c.happened_at, c.id, c.source, c.received_at, c.channel, c.direction, c.outcome, c.wait_seconds, c.talk_seconds,
    coalesce((
        SELECT k.topic FROM contacts_coding k
        WHERE k.subscriber_id = c.subscriber_id AND k.contact_source = c.source AND k.contact_id = c.id
        AND k.received_at <= %(known_until)s
        ORDER BY k.happened_at DESC, k.id DESC, k.source DESC LIMIT 1
    ), c.topic) AS topic
FROM contacts_contact c
WHERE c.subscriber_id = %(line)s AND c.received_at <= %(known_until)s;

-- name: and_on_page
AND (c.happened_at, c.id, c.source) < (%(happened_at)s, %(id)s, %(source)s)
ORDER BY c.happened_at DESC, c.id DESC, c.source DESC
LIMIT %(limit)s;

-- name: and_of_fact
AND c.id = %(id)s AND c.source = %(source)s;

-- name: reclassification_of_fact
SELECT subscriber_id, contact_source, contact_id, happened_at, id, source, received_at, counts, reason, by
FROM contacts_reclassification
WHERE subscriber_id = %(line)s AND id = %(id)s AND source = %(source)s
