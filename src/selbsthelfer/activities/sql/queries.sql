-- name: activities_of_line
SELECT subscriber_id, activity, happened_at, id, source, received_at, succeeded
FROM activities_activity
WHERE subscriber_id = %(line)s AND received_at <= %(known_until)s
ORDER BY happened_at, id, source;
