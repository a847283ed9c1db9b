-- Telling the operator's systems, from the temporary tables of `decide.sql`. A line in `control` is told of never.

-- name: grants_to_tell
-- The releases that were made a moment ago, found by key; one without volume is no grant.
SELECT
    r.subscriber_id, r.programme, e.version, r.index, r."window", r.level, r.bytes, r.granted_at, r.valid_until,
    r.credit_id, r.activity_source, r.activity_id
FROM programmes_due d
JOIN programmes_enrolment e ON e.subscriber_id = d.subscriber_id AND e.programme = d.programme
JOIN programmes_release r
    ON r.subscriber_id = d.subscriber_id AND r.programme = d.programme AND r.index = d.index
WHERE d.variant = 'treatment' AND r.bytes > 0;

-- name: passed_to_tell
-- A stage is passed for good before it settles where it has just released its first tranche, and after it settled
-- where it had been told missed. All others are told when they settle.
SELECT
    s.subscriber_id, s.programme, s.version, s."window", s.level, s.state, s.activities, s.contacts, s.ends_at,
    s.decided_at
FROM (
    SELECT
        q.subscriber_id, q.programme, q.version, g."window", g.level, g.state, g.activities, g.contacts, q.decided_at,
        q.period_bounds[g."window" * v.periods_per_stage + 1] AS ends_at, v.settle_delay, q.told_mask,
        q.released_mask & (
            ((1::bigint << v.periods_per_stage) - 1) << (g."window" * v.periods_per_stage + 1)
        ) <> 0 AS released_before,
        d."window" IS NOT NULL AS released_now
    FROM programmes_staged g
    JOIN programmes_asked q ON q.place = g.place
    JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
    LEFT JOIN (SELECT DISTINCT subscriber_id, programme, "window" FROM programmes_due) d
        ON d.subscriber_id = q.subscriber_id AND d.programme = q.programme AND d."window" = g."window"
    WHERE q.variant = 'treatment' AND g.state = 'passed'
) s
WHERE s.told_mask & (1::bigint << 2 * s."window") = 0
AND CASE
    WHEN s.decided_at < s.ends_at + s.settle_delay THEN s.released_now AND NOT s.released_before
    ELSE s.told_mask & (2::bigint << 2 * s."window") <> 0
END;

-- name: lines_settling
-- Enrolments whose newest settled stage settled in between and was not told, in pages by line. A stage that ended after
-- its line had left is of no interest. Every enrolment is looked at, so one look at its boundaries has to do.
SELECT DISTINCT subscriber_id
FROM (
    SELECT
        e.subscriber_id, e.told_mask, e.period_bounds, e.stopped_at, v.stage_count, v.periods_per_stage, v.settle_delay,
        (width_bucket(%(until)s - v.settle_delay, e.period_bounds) - 1) / v.periods_per_stage AS "window"
    FROM programmes_enrolment e
    JOIN programmes_version v ON v.programme = e.programme AND v.version = e.version
    WHERE e.subscriber_id > %(beyond)s AND e.variant = 'treatment'
) newest
WHERE "window" BETWEEN 1 AND stage_count
AND told_mask & (3::bigint << 2 * "window") = 0
AND period_bounds["window" * periods_per_stage + 1] >= %(since)s - settle_delay
AND period_bounds["window" * periods_per_stage + 1] <= coalesce(stopped_at, 'infinity')
ORDER BY subscriber_id
LIMIT %(limit)s;

-- name: settled_to_tell
SELECT
    s.subscriber_id, s.programme, s.version, s."window", s.level, s.state, s.activities, s.contacts, s.ends_at,
    s.settles_at
FROM (
    SELECT
        q.subscriber_id, q.programme, q.version, g."window", g.level, g.state, g.activities, g.contacts,
        q.period_bounds[g."window" * v.periods_per_stage + 1] AS ends_at,
        q.period_bounds[g."window" * v.periods_per_stage + 1] + v.settle_delay AS settles_at, q.told_mask, q.stopped_at
    FROM programmes_staged g
    JOIN programmes_asked q ON q.place = g.place
    JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
    WHERE q.variant = 'treatment' AND g.state <> 'open'
) s
WHERE s.told_mask & (3::bigint << 2 * s."window") = 0
AND s.settles_at BETWEEN %(since)s AND %(until)s AND s.ends_at <= s.stopped_at;

-- name: mark_told
UPDATE programmes_enrolment e
SET told_mask = e.told_mask | t.mask
FROM unnest(%(lines)s::uuid[], %(programmes)s::text[], %(masks)s::bigint[]) AS t(subscriber_id, programme, mask)
WHERE e.subscriber_id = t.subscriber_id AND e.programme = t.programme
