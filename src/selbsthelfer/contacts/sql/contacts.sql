-- name: put_exempt_topic
INSERT INTO contacts_exempttopic (topic, code) VALUES (%(topic)s, %(code)s)
ON CONFLICT (topic) DO UPDATE SET code = excluded.code WHERE contacts_exempttopic.code <> excluded.code;

-- name: declare_crisis
INSERT INTO contacts_crisis (source, id, declared_at, received_at, from_at, until_at, topics)
VALUES (%(source)s, %(id)s, %(declared_at)s, %(received_at)s, %(from_at)s, %(until_at)s, %(topics)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: mark_swept
UPDATE contacts_crisis SET swept_at = %(now)s WHERE source = %(source)s AND id = %(id)s
