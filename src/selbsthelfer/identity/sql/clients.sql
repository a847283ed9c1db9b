-- name: client_of_key
-- Asked at most once a second and key by each process that answers the API.
SELECT c.name, c.scopes, c.requests_per_minute, k.digest, k.ends_at, k.last_used_on
FROM identity_clientkey k
JOIN identity_client c ON c.name = k.client_id
WHERE k.key_id = %s;

-- name: client_named
-- Asked for an app's token, which is worth nothing once whoever made it has no key any more.
SELECT c.name, c.scopes, c.requests_per_minute
FROM identity_client c
WHERE c.name = %(name)s AND EXISTS (
    SELECT FROM identity_clientkey k WHERE k.client_id = c.name AND (k.ends_at IS NULL OR k.ends_at > %(now)s)
);

-- name: use_key
-- Written once a day and key: who cleans up needs to know which keys are still in use, and no more than that.
UPDATE identity_clientkey
SET last_used_on = %(day)s
WHERE key_id = %(key_id)s AND (last_used_on IS NULL OR last_used_on < %(day)s);

-- name: take_calls
-- A server takes a block of the calls that a client has in this minute, and spends it without asking again. A row of an
-- older minute begins anew; one of a later minute was written by a server whose clock is ahead, and that minute holds.
INSERT INTO identity_clientcalls AS t (client, minute, taken, granted)
VALUES (%(client)s, %(minute)s, %(block)s, %(block)s)
ON CONFLICT (client) DO UPDATE
SET
    minute = greatest(t.minute, excluded.minute),
    taken = CASE WHEN t.minute < excluded.minute THEN %(block)s ELSE least(t.taken + %(block)s, greatest(t.taken, %(most)s)) END,
    granted = CASE WHEN t.minute < excluded.minute THEN %(block)s ELSE greatest(least(%(block)s, %(most)s - t.taken), 0) END
RETURNING minute, taken, granted;

-- name: begin_answer
-- Whoever comes first makes the row; whoever comes at the same moment waits here until the first has answered or taken
-- everything back. A row that was there keeps what it says.
INSERT INTO identity_answer AS a (client, key, asked, made_at)
VALUES (%(client)s, %(key)s, %(asked)s, %(now)s)
ON CONFLICT (client, key) DO UPDATE SET asked = a.asked
RETURNING asked, status, body;

-- name: keep_answer
UPDATE identity_answer SET status = %(status)s, body = %(body)s WHERE client = %(client)s AND key = %(key)s;

-- name: forget_answers
DELETE FROM identity_answer
WHERE ctid = ANY (
    ARRAY(SELECT ctid FROM identity_answer WHERE made_at < %(before)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
);
