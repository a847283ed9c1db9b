-- name: invite
-- Inviting twice is inviting once; the first instant holds.
INSERT INTO programmes_invitation (subscriber_id, programme, invited_at)
SELECT line, %(programme)s, %(invited_at)s
FROM unnest(%(lines)s::uuid[]) AS invited(line)
ON CONFLICT DO NOTHING;

-- name: put_codes
INSERT INTO programmes_invitationcode (programme, code_digest, uses, uses_left, made_at)
SELECT %(programme)s, digest, %(uses)s, %(uses)s, %(made_at)s
FROM unnest(%(digests)s::text[]) AS made(digest)
ON CONFLICT DO NOTHING
RETURNING code_digest;

-- name: lock_code
-- Whoever redeems a code holds it until the enrolment is in, so that its last use is given once.
SELECT uses_left
FROM programmes_invitationcode
WHERE programme = %(programme)s AND code_digest = %(code_digest)s
FOR UPDATE;

-- name: redeem_code
UPDATE programmes_invitationcode
SET uses_left = uses_left - 1
WHERE programme = %(programme)s AND code_digest = %(code_digest)s;

-- name: uninvite
DELETE FROM programmes_invitation WHERE subscriber_id = %(line)s
