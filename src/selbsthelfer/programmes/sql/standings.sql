-- Reading what `decide.sql` has put into its temporary tables for the enrolments asked about.

-- name: ask_lines
INSERT INTO programmes_touch (subscriber_id, decided_at, known_until, may_release)
SELECT line, %(now)s, %(now)s, false FROM unnest(%(lines)s::uuid[]) AS asked(line);

-- name: stages
SELECT
    g.subscriber_id, g.programme, g."window", g.level, g.state, g.activities,
    coalesce(
        array_agg(j.id ORDER BY j.happened_at, j.id, j.source) FILTER (WHERE j.id IS NOT NULL), '{}'
    ) AS counting_contacts
FROM programmes_staged g
LEFT JOIN programmes_judged j
    ON j.subscriber_id = g.subscriber_id AND j.programme = g.programme AND j."window" = g."window" AND j.code IS NULL
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2, 3;

-- name: judged
SELECT subscriber_id, programme, "window", happened_at, source, id, code
FROM programmes_judged
ORDER BY subscriber_id, programme, happened_at, id, source;

-- name: counting
SELECT subscriber_id, programme, index, happened_at, source, id
FROM programmes_counting
ORDER BY subscriber_id, programme, happened_at, id, source;

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
