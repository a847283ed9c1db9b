-- name: choose_reminder
INSERT INTO selfservice_reminderchoice (subscriber_id, kind, is_on, chosen_at)
VALUES (%(line)s, %(kind)s, %(is_on)s, %(now)s)
ON CONFLICT (subscriber_id, kind) DO UPDATE
SET is_on = excluded.is_on, chosen_at = excluded.chosen_at
WHERE selfservice_reminderchoice.is_on <> excluded.is_on;

-- name: forget_reminders
UPDATE selfservice_reminderchoice
SET is_on = false, chosen_at = %(now)s
WHERE subscriber_id = %(line)s AND is_on;

-- name: reminders_of_line
SELECT kind FROM selfservice_reminderchoice WHERE subscriber_id = %(line)s AND is_on;

-- name: reminded_lines
-- A partial index holds nothing but what somebody wants.
SELECT subscriber_id
FROM selfservice_reminderchoice
WHERE kind = %(kind)s AND is_on AND subscriber_id = ANY (%(lines)s);

-- name: next_reminded_line
SELECT min(subscriber_id::text)::uuid
FROM selfservice_reminderchoice
WHERE kind = %(kind)s AND is_on AND subscriber_id > %(beyond)s;
