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
