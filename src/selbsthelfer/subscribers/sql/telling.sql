-- name: subjects_of_lines
SELECT subscriber_id, subject FROM subscribers_subscriber WHERE subscriber_id = ANY (%(lines)s)
