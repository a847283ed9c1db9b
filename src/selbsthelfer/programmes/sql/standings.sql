-- Reading what `decide.sql` has put into its temporary tables for the enrolments asked about.

-- name: ask_lines
INSERT INTO programmes_touch (subscriber_id, decided_at, known_until, may_release)
SELECT line, %(now)s, %(now)s, false FROM unnest(%(lines)s::uuid[]) AS asked(line);

-- name: stages
SELECT
    q.subscriber_id, q.programme, g."window", g.level, g.state, g.activities,
    coalesce(
        array_agg(j.id ORDER BY j.happened_at, j.id, j.source) FILTER (WHERE j.id IS NOT NULL), '{}'
    ) AS counting_contacts
FROM programmes_staged g
JOIN programmes_asked q ON q.place = g.place
LEFT JOIN programmes_judged j ON j.place = g.place AND j."window" = g."window" AND j.code IS NULL
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2, 3;

-- name: judged
SELECT q.subscriber_id, q.programme, j."window", j.happened_at, j.source, j.id, j.code
FROM programmes_judged j
JOIN programmes_asked q ON q.place = j.place
ORDER BY q.subscriber_id, q.programme, j.happened_at, j.id, j.source;

-- name: counting
SELECT q.subscriber_id, q.programme, f.index, f.happened_at, f.source, f.id
FROM programmes_counting f
JOIN programmes_asked q ON q.place = f.place
ORDER BY q.subscriber_id, q.programme, f.happened_at, f.id, f.source;

-- name: releases
SELECT
    subscriber_id, programme, index, "window", level, bytes, granted_at, valid_until,
    activity_source, activity_id, credit_id
FROM programmes_release
WHERE subscriber_id = ANY (%(lines)s) AND granted_at <= %(now)s
ORDER BY subscriber_id, programme, index;

-- name: enrolments
SELECT
    subscriber_id, programme, version, variant, enrolled_at, nullif(stopped_at, 'infinity') AS stopped_at, closes_at,
    period_bounds
FROM programmes_asked
ORDER BY subscriber_id, programme;

-- name: enrolled_lines
-- Lines by the operator's own id, in bounded pages.
SELECT DISTINCT s.subject, s.subscriber_id
FROM programmes_enrolment e
JOIN subscribers_subscriber s ON s.subscriber_id = e.subscriber_id
WHERE s.subject > %(beyond)s
ORDER BY s.subject
LIMIT %(limit)s
