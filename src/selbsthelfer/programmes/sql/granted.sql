-- What was granted to one line: a few dozen rows by key.

-- name: grants_of_activity
SELECT
    r.programme, e.version, r.index, r."window", r.level, r.bytes, r.granted_at,
    least(r.valid_until, s.ended_at) AS usable_until, r.credit_id, o.state
FROM programmes_release r
JOIN programmes_enrolment e ON e.subscriber_id = r.subscriber_id AND e.programme = r.programme
JOIN subscribers_subscriber s ON s.subscriber_id = r.subscriber_id
LEFT JOIN charging_creditorder o ON o.subscriber_id = r.subscriber_id AND o.credit_id = r.credit_id
WHERE r.subscriber_id = %(line)s AND r.activity_source = %(source)s AND r.activity_id = %(activity_id)s
AND r.bytes > 0
ORDER BY r.programme, r.index;

-- name: grants_of_line
-- Newest first; a page goes on after the last grant of the page before. What is left is what is left now and what
-- burned after the instant asked about.
SELECT
    r.programme, e.version, r.index, r."window", r.level, r.bytes, r.granted_at,
    least(r.valid_until, s.ended_at) AS usable_until, r.credit_id, o.state,
    a.activity, r.activity_source, r.activity_id,
    (
        coalesce((
            SELECT n.balance_bytes FROM allowances_entry n
            WHERE n.subscriber_id = r.subscriber_id AND n.bucket_id = r.credit_id
            ORDER BY n.ordinal DESC LIMIT 1
        ), 0)
        - coalesce((
            SELECT sum(b.amount_bytes) FROM allowances_entry b
            WHERE b.subscriber_id = r.subscriber_id AND b.bucket_id = r.credit_id
            AND b.amount_bytes < 0 AND b.happened_at > %(at)s
        ), 0)
    )::bigint AS left_bytes
FROM programmes_release r
JOIN programmes_enrolment e ON e.subscriber_id = r.subscriber_id AND e.programme = r.programme
JOIN subscribers_subscriber s ON s.subscriber_id = r.subscriber_id
LEFT JOIN charging_creditorder o ON o.subscriber_id = r.subscriber_id AND o.credit_id = r.credit_id
LEFT JOIN activities_activity a
    ON a.subscriber_id = r.subscriber_id AND a.source = r.activity_source AND a.id = r.activity_id
WHERE r.subscriber_id = %(line)s AND r.bytes > 0 AND r.granted_at <= %(at)s
AND (r.granted_at, r.programme, r.index) < (%(granted_at)s, %(programme)s, %(index)s)
ORDER BY r.granted_at DESC, r.programme DESC, r.index DESC
LIMIT %(limit)s;

-- name: lines_with_periods_that_pay
-- One page of lines by key that have an enrolment in a period that can pay out and that nothing has released yet. A
-- window known to be missed needs no look; that of an altered enrolment is drawn anew by the decision.
SELECT DISTINCT e.subscriber_id
FROM programmes_enrolment e
JOIN programmes_version v
    ON v.programme = e.programme AND v.version = e.version AND v.release = 'activity'
WHERE e.subscriber_id > %(beyond)s AND e.variant = 'treatment'
AND (e.stopped_at IS NULL OR e.stopped_at > %(at)s)
AND (
    e.altered OR (
        e.period_bounds[v.periods_per_stage + 1] <= %(at)s
        AND e.period_bounds[v.periods_per_stage * (v.stage_count + 1) + 1] > %(at)s
        AND e.released_mask & (1::bigint << width_bucket(%(at)s, e.period_bounds)) = 0
        AND e.missed_mask & (
            1::bigint << ((width_bucket(%(at)s, e.period_bounds) - 1) / v.periods_per_stage)
        ) = 0
    )
)
ORDER BY e.subscriber_id
LIMIT %(limit)s;

-- name: tranches_waiting
-- Of the enrolments just decided: the window of the running period's tranche is passed, and nothing that counts
-- has happened in that period, so that one activity releases it.
SELECT subscriber_id, programme, version, index, "window", level, bytes, starts_at, ends_at
FROM (
    SELECT
        q.place, q.subscriber_id, q.programme, q.version, q.index, q."window", s.level,
        least(v.stage_bytes[s.level], q.cap_bytes - coalesce(r.total_bytes, 0)) AS bytes,
        q.period_bounds[q.index] AS starts_at, q.period_bounds[q.index + 1] AS ends_at
    FROM (
        SELECT
            a.*, width_bucket(a.decided_at, a.period_bounds) AS index,
            (width_bucket(a.decided_at, a.period_bounds) - 1) / w.periods_per_stage AS "window"
        FROM programmes_asked a
        JOIN programmes_version w
            ON w.programme = a.programme AND w.version = a.version AND w.release = 'activity'
        WHERE a.variant = 'treatment' AND a.stopped_at > a.decided_at AND a.decided_at <= a.closes_at
    ) q
    JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
    JOIN programmes_staged s ON s.place = q.place AND s."window" = q."window" AND s.state = 'passed'
    LEFT JOIN (
        SELECT subscriber_id, programme, max(total_bytes) AS total_bytes
        FROM programmes_release
        WHERE subscriber_id = ANY (%(lines)s)
        GROUP BY subscriber_id, programme
    ) r ON r.subscriber_id = q.subscriber_id AND r.programme = q.programme
    WHERE q.released_mask & (1::bigint << q.index) = 0
) w
WHERE bytes > 0
AND NOT EXISTS (SELECT FROM programmes_counting f WHERE f.place = w.place AND f.index = w.index)
ORDER BY subscriber_id, programme;

-- name: export_enrolments
-- A line that is held out for measurement does not learn of it, here either.
SELECT
    e.programme, e.version, e.enrolled_at, e.stopped_at, e.closes_at, v.digest
FROM programmes_enrolment e
JOIN programmes_version v ON v.programme = e.programme AND v.version = e.version
WHERE e.subscriber_id = %(line)s AND e.variant = 'treatment'
ORDER BY e.enrolled_at, e.programme
LIMIT %(limit)s;

-- name: export_releases
SELECT
    programme, index, "window", level, bytes, granted_at, valid_until, activity_source, activity_id
FROM programmes_release r
WHERE subscriber_id = %(line)s AND NOT EXISTS (
    SELECT FROM programmes_enrolment e
    WHERE e.subscriber_id = r.subscriber_id AND e.programme = r.programme AND e.variant = 'control'
)
ORDER BY granted_at DESC, programme, index
LIMIT %(limit)s;

-- name: export_withdrawals
SELECT programme, happened_at, received_at
FROM programmes_withdrawal r
WHERE subscriber_id = %(line)s AND NOT EXISTS (
    SELECT FROM programmes_enrolment e
    WHERE e.subscriber_id = r.subscriber_id AND e.programme = r.programme AND e.variant = 'control'
)
ORDER BY happened_at DESC, id, source
LIMIT %(limit)s;

-- name: export_invitations
SELECT programme, invited_at
FROM programmes_invitation
WHERE subscriber_id = %(line)s
ORDER BY invited_at DESC, programme
LIMIT %(limit)s
