-- name: put_kind
INSERT INTO activities_kind (activity, counting_class, online)
VALUES (%(activity)s, %(counting_class)s, %(online)s)
ON CONFLICT (activity) DO UPDATE SET counting_class = excluded.counting_class, online = excluded.online
WHERE (activities_kind.counting_class, activities_kind.online) IS DISTINCT FROM (excluded.counting_class, excluded.online)
