-- name: put_kind
INSERT INTO activities_kind (activity, counting_class, online)
VALUES (%(activity)s, %(counting_class)s, %(online)s)
ON CONFLICT (activity) DO UPDATE SET counting_class = excluded.counting_class, online = excluded.online
WHERE (activities_kind.counting_class, activities_kind.online) IS DISTINCT FROM (excluded.counting_class, excluded.online);

-- name: export_of_line
-- Everything that is kept about what a line did, for the one who asks for their data.
SELECT activity, happened_at, received_at, succeeded, source, id
FROM activities_activity
WHERE subscriber_id = %(line)s
ORDER BY happened_at DESC, id DESC
LIMIT %(limit)s
