-- name: line_of_task
-- Whether a task may be taken for a line, and in which zone its days are.
SELECT subject, timezone, ended_at FROM subscribers_subscriber WHERE subscriber_id = %(line)s;

-- name: line_with_tasks
-- The same with such of the given tasks as there are, one row each or one alone: a page that was opened before asks once.
SELECT
    s.subject, s.timezone, s.ended_at,
    t.task_id, t.subject, t.activity, t.receipt, t.state, t.started_at, t.finished_at, t.details, t.reason, t.field,
    t.effective, t.has_fact
FROM subscribers_subscriber s
LEFT JOIN selfservice_task t ON t.subscriber_id = s.subscriber_id AND t.task_id = ANY (%(tasks)s)
WHERE s.subscriber_id = %(line)s;

-- name: addresses_of_line
-- Where a line is told that something was done: both ways, as the SIM may be the very thing that is lost.
SELECT s.msisdn, nullif(u.email, ''), coalesce(nullif(u.language, ''), s.language)
FROM subscribers_subscriber s
LEFT JOIN identity_user u ON u.subscriber_id = s.subscriber_id
WHERE s.subscriber_id = %(line)s;

-- name: add_task
-- A key that is there already means that the task was taken before.
INSERT INTO selfservice_task (
    subscriber_id, task_id, subject, activity, receipt, state, is_view, "order", details, reason, has_fact,
    started_at, finished_at, attempts, ask_again_at
)
VALUES (
    %(line)s, %(task)s, %(subject)s, %(activity)s, %(receipt)s, %(state)s, %(is_view)s, %(order)s::text::jsonb,
    %(details)s::text::jsonb, %(reason)s::text::jsonb, %(has_fact)s, %(started_at)s, %(finished_at)s, 1, %(ask_again_at)s
)
ON CONFLICT (subscriber_id, task_id) DO NOTHING
RETURNING task_id;

-- name: task
SELECT
    t.task_id, t.subject, t.activity, t.receipt, t.state, t.started_at, t.finished_at, t.details, t.reason, t.field,
    t.effective, t.has_fact
FROM selfservice_task t
WHERE t.subscriber_id = %(line)s AND t.task_id = %(task)s;

-- name: lock_open_task
-- Of two who bring an answer the second finds the task closed.
SELECT task_id FROM selfservice_task
WHERE subscriber_id = %(line)s AND task_id = %(task)s AND ask_again_at IS NOT NULL
FOR UPDATE;

-- name: close_task
-- The order is not needed any more, so nothing of it is kept.
UPDATE selfservice_task
SET
    state = %(state)s, finished_at = %(finished_at)s, ask_again_at = NULL, "order" = NULL,
    reason = %(reason)s::text::jsonb, field = %(field)s, effective = %(effective)s::text::jsonb,
    reference = %(reference)s, has_fact = %(has_fact)s
WHERE subscriber_id = %(line)s AND task_id = %(task)s;

-- name: leave_unknown
UPDATE selfservice_task
SET state = 'unknown'
WHERE subscriber_id = %(line)s AND task_id = %(task)s AND ask_again_at IS NOT NULL;

-- name: take_open_tasks
-- Taking a task puts its next turn off, longer each time, so that nobody else asks meanwhile and a back end
-- that is down is not asked in vain all the time. Calendar is not involved: these are plain seconds.
UPDATE selfservice_task t
SET
    attempts = t.attempts + 1,
    ask_again_at = %(now)s + least(power(2, t.attempts) * %(wait)s::interval, %(longest_wait)s::interval)
FROM (
    SELECT subscriber_id, task_id
    FROM selfservice_task
    WHERE ask_again_at <= %(now)s
    ORDER BY ask_again_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
) o
WHERE t.subscriber_id = o.subscriber_id AND t.task_id = o.task_id
RETURNING t.subscriber_id, t.subject, t.task_id, t.activity, t."order", t.started_at, t.attempts;

-- name: receipt
SELECT
    t.task_id, t.subject, t.activity, t.receipt, t.state, t.started_at, t.finished_at, t.details, t.reason, t.field,
    t.effective, t.has_fact
FROM selfservice_task t
WHERE t.subscriber_id = %(line)s AND t.receipt = %(receipt)s;

-- name: receipts
-- What was merely opened has no place in the list, unless it failed.
SELECT
    t.task_id, t.subject, t.activity, t.receipt, t.state, t.started_at, t.finished_at, t.details, t.reason, t.field,
    t.effective, t.has_fact
FROM selfservice_task t
WHERE
    t.subscriber_id = %(line)s
    AND (t.started_at, t.receipt) < (%(before_at)s, %(before_receipt)s)
    AND (NOT t.is_view OR t.state = 'failed')
ORDER BY t.started_at DESC, t.receipt DESC
LIMIT %(limit)s;

-- name: erase_tasks
-- A receipt keeps its number, its activity and its instants: they prove what was done, not what it said.
UPDATE selfservice_task
SET details = '[]'::jsonb, reason = NULL, field = NULL, effective = NULL, reference = NULL
WHERE subscriber_id = %(line)s AND ask_again_at IS NULL;

-- name: export_tasks
SELECT jsonb_build_object(
    'receipt', receipt, 'activity', activity, 'state', state, 'details', details, 'reason', reason,
    'effective', effective, 'started_at', started_at, 'finished_at', finished_at
)
FROM selfservice_task
WHERE subscriber_id = %(line)s
ORDER BY started_at DESC, receipt DESC
LIMIT %(limit)s;

-- name: export_reminders
SELECT jsonb_build_object('kind', kind, 'is_on', is_on, 'chosen_at', chosen_at)
FROM selfservice_reminderchoice
WHERE subscriber_id = %(line)s
ORDER BY kind
LIMIT %(limit)s;
