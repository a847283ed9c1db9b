-- name: put_exempt_topic
INSERT INTO contacts_exempttopic (topic, code) VALUES (%(topic)s, %(code)s)
ON CONFLICT (topic) DO UPDATE SET code = excluded.code WHERE contacts_exempttopic.code <> excluded.code;

-- name: declare_crisis
INSERT INTO contacts_crisis (source, id, declared_at, received_at, from_at, until_at, topics)
VALUES (%(source)s, %(id)s, %(declared_at)s, %(received_at)s, %(from_at)s, %(until_at)s, %(topics)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: of_line
SELECT happened_at, id, source, received_at, channel, direction, outcome, wait_seconds, talk_seconds, topic, queue
FROM contacts_contact
WHERE subscriber_id = %(line)s
ORDER BY happened_at, id, source;

-- name: codings_of_line
SELECT contact_source, contact_id, happened_at, id, source, received_at, topic
FROM contacts_coding WHERE subscriber_id = %(line)s;

-- name: reclassifications_of_line
SELECT contact_source, contact_id, happened_at, id, source, received_at, counts, reason
FROM contacts_reclassification WHERE subscriber_id = %(line)s;

-- name: crises
SELECT from_at, until_at, received_at, topics FROM contacts_crisis
