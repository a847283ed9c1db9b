-- name: case
-- Followed by one of the parts below that say which.
SELECT
    c.case_id, c.number, c.kind, c.state, c.subscriber_id, c.topic, c.about_source, c.about_id, c.address, c.name,
    c.language, c.details::text, c.decision, c.opened_at, c.promised_at, c.answered_at, c.closed_at, c.erased_at
FROM conversations_case c;

-- name: of_number
WHERE c.number = %(number)s;

-- name: of_number_locked
WHERE c.number = %(number)s FOR UPDATE;

-- name: of_key
WHERE c.key = %(key)s;

-- name: of_line
WHERE c.subscriber_id = %(line)s ORDER BY c.opened_at DESC, c.number LIMIT %(limit)s;

-- name: disputes_of_line
WHERE c.subscriber_id = %(line)s AND c.kind = 'dispute' ORDER BY c.opened_at DESC, c.number LIMIT %(limit)s;

-- name: unclosed_dispute_locked
WHERE c.subscriber_id = %(line)s AND c.about_source = %(source)s AND c.about_id = %(id)s
    AND c.kind = 'dispute' AND c.state <> 'closed'
FOR UPDATE;

-- name: waiting
WHERE c.state = 'open' ORDER BY c.promised_at, c.number LIMIT %(limit)s;

-- name: open_case
-- A key that is there already means that the form was sent before; a number that is there already is drawn anew.
INSERT INTO conversations_case (
    case_id, key, number, kind, state, subscriber_id, topic, about_source, about_id, address, name, language,
    details, opened_at, promised_at
)
VALUES (
    %(case_id)s, %(key)s, %(number)s, %(kind)s, 'open', %(line)s, %(topic)s, %(about_source)s, %(about_id)s, %(to)s,
    %(name)s, %(language)s, %(details)s::jsonb, %(opened_at)s, %(promised_at)s
)
ON CONFLICT DO NOTHING;

-- name: put_message
INSERT INTO conversations_message (case_id, key, author, by, text, written_at)
VALUES (%(case_id)s, %(key)s, %(author)s, %(by)s, %(text)s, %(written_at)s)
ON CONFLICT (case_id, key) DO NOTHING;

-- name: messages
-- The newest, in the order in which they were written.
SELECT n.author, n.by, n.text, n.written_at
FROM (
    SELECT message_id, author, by, text, written_at
    FROM conversations_message
    WHERE case_id = %(case_id)s
    ORDER BY message_id DESC
    LIMIT %(limit)s
) n
ORDER BY n.message_id;

-- name: last_message
SELECT author, text FROM conversations_message WHERE case_id = %(case_id)s ORDER BY message_id DESC LIMIT 1;

-- name: count_messages
-- Those of the subscriber, and whether the key is among all of the case.
SELECT count(*) FILTER (WHERE author = 'subscriber'), coalesce(bool_or(key = %(key)s), FALSE)
FROM conversations_message
WHERE case_id = %(case_id)s;

-- name: count_open
SELECT count(*) FROM conversations_case WHERE subscriber_id = %(line)s AND state = 'open';

-- name: reopen
UPDATE conversations_case SET state = 'open', promised_at = %(promised_at)s
WHERE case_id = %(case_id)s AND state = 'answered';

-- name: mark_answered
UPDATE conversations_case
SET
    state = 'answered',
    answered_at = coalesce(answered_at, %(now)s),
    decision = coalesce(%(decision)s::text, decision)
WHERE case_id = %(case_id)s;

-- name: mark_closed
UPDATE conversations_case SET state = 'closed', closed_at = %(now)s WHERE case_id = %(case_id)s AND state <> 'closed';

-- name: line
-- What the line is called by the operator, and where it is reached.
SELECT subject, msisdn FROM subscribers_subscriber WHERE subscriber_id = %(line)s;

-- name: dispute_alone
-- Two disputes about one contact take turns, so that the second finds the first.
SELECT pg_advisory_xact_lock(hashtextextended(%(contact)s, 0));

-- name: declarations_of_line
SELECT case_id, opened_at FROM conversations_case
WHERE subscriber_id = %(line)s AND kind = ANY (%(statutory)s) AND erase_at IS NULL
FOR UPDATE;

-- name: erasable_of_line
SELECT case_id FROM conversations_case
WHERE subscriber_id = %(line)s AND (erase_at IS NULL OR erase_at <= %(now)s)
FOR UPDATE;

-- name: keep_proof
-- Of a declaration with legal effect everything stays until nobody has to prove it any more.
UPDATE conversations_case SET erase_at = %(erase_at)s
WHERE case_id = %(case_id)s AND erase_at IS NULL;

-- name: due_for_erasure
SELECT case_id FROM conversations_case
WHERE erase_at <= %(now)s AND erased_at IS NULL
ORDER BY erase_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;

-- name: erase_messages
DELETE FROM conversations_message WHERE case_id = ANY (%(cases)s);

-- name: erase_cases
-- Number, kind and instants stay.
UPDATE conversations_case
SET
    subscriber_id = NULL,
    topic = NULL,
    about_source = NULL,
    about_id = NULL,
    address = NULL,
    name = NULL,
    details = '{}',
    state = 'closed',
    closed_at = coalesce(closed_at, %(now)s),
    erased_at = %(now)s
WHERE case_id = ANY (%(cases)s)
