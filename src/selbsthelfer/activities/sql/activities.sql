-- name: put_kind
INSERT INTO activities_kind (activity, counting_class, online)
VALUES (%(activity)s, %(counting_class)s, %(online)s)
ON CONFLICT (activity) DO UPDATE SET counting_class = excluded.counting_class, online = excluded.online
WHERE (activities_kind.counting_class, activities_kind.online) IS DISTINCT FROM (excluded.counting_class, excluded.online);

-- name: record_few
INSERT INTO activities_activity (subscriber_id, activity, happened_at, id, source, received_at, succeeded)
SELECT *
FROM unnest(
    %(subscriber_id)s::uuid[], %(activity)s::text[], %(happened_at)s::timestamptz[], %(id)s::text[],
    %(source)s::text[], %(received_at)s::timestamptz[], %(succeeded)s::boolean[]
);

-- name: export_of_line
-- Everything that is kept about what a line did, for the one who asks for their data.
SELECT activity, happened_at, received_at, succeeded, source, id
FROM activities_activity
WHERE subscriber_id = %(line)s
ORDER BY happened_at DESC, id DESC
LIMIT %(limit)s;

-- name: failed_recently
-- A failure that was followed by a success of its kind needs nobody's attention. The key is led by the line and its
-- kinds, so that both halves read the few rows of one line.
SELECT f.activity, max(f.happened_at)
FROM activities_activity f
WHERE
    f.subscriber_id = %(line)s AND f.activity = ANY (%(known)s) AND f.happened_at >= %(since)s AND NOT f.succeeded
    AND NOT EXISTS (
        SELECT FROM activities_activity s
        WHERE
            s.subscriber_id = f.subscriber_id AND s.activity = f.activity AND s.succeeded
            AND s.happened_at > f.happened_at
    )
GROUP BY f.activity
ORDER BY max(f.happened_at) DESC, f.activity
LIMIT %(limit)s;
