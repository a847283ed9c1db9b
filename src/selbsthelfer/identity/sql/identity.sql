-- name: user_in_session
-- Asked for every page of somebody signed in: the user, and whether their line has ended, at once.
SELECT u.*, s.ended_at AS line_ended_at
FROM identity_user u
LEFT JOIN subscribers_subscriber s ON s.subscriber_id = u.subscriber_id
WHERE u.user_id = %s;

-- name: sweep_codes
-- Codes that ran out long ago, a few each time a new one is made.
DELETE FROM identity_code
WHERE code_id IN (SELECT code_id FROM identity_code WHERE created_at < %(before)s LIMIT %(limit)s);

-- name: forget_sessions
-- Of a session that ran out its entry in the list of sessions goes as well, by its key.
WITH gone AS (
    DELETE FROM django_session
    WHERE session_key IN (SELECT session_key FROM django_session WHERE expire_date < %(now)s LIMIT %(limit)s)
    RETURNING session_key
), unlisted AS (
    DELETE FROM usersessions_usersession u USING gone WHERE u.session_key = gone.session_key
)
SELECT count(*) FROM gone;

-- name: count_try
-- A try is kept, and a row comes back, if none of the limits is reached; tries of one key take turns at its row. Kept
-- are the instants of the tries in microseconds, those that no limit looks at any more left out.
INSERT INTO identity_tries AS t (key, kept, ends_at)
VALUES (%(key)s, ARRAY[%(at)s::bigint], %(ends_at)s)
ON CONFLICT (key) DO UPDATE
SET
    kept = array_append(ARRAY(SELECT k FROM unnest(t.kept) k WHERE k > %(at)s - %(longest)s::bigint), %(at)s::bigint),
    ends_at = excluded.ends_at
WHERE NOT EXISTS (
    SELECT FROM unnest(%(amounts)s::bigint[], %(spans)s::bigint[]) AS r (amount, span)
    WHERE (SELECT count(*) FROM unnest(t.kept) k WHERE k > %(at)s - r.span) >= r.amount
)
RETURNING key;

-- name: forget_counts
-- Counts of tries whose time is over, ours and those that allauth keeps in the cache.
WITH ours AS (
    DELETE FROM identity_tries
    WHERE key IN (SELECT key FROM identity_tries WHERE ends_at < %(now)s LIMIT %(limit)s)
    RETURNING key
), cached AS (
    DELETE FROM django_cache
    WHERE cache_key IN (SELECT cache_key FROM django_cache WHERE expires < %(now)s LIMIT %(limit)s)
    RETURNING cache_key
)
SELECT greatest((SELECT count(*) FROM ours), (SELECT count(*) FROM cached));
