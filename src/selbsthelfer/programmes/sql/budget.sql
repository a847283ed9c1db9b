-- A version with a budget has one row in programmes_budget; it is locked by whoever enrols or grants.

-- name: any_budget
SELECT FROM programmes_budget LIMIT 1;

-- name: budgets
SELECT b.programme, b.version, v.budget_bytes - b.reserved_bytes - b.granted_bytes AS left_bytes
FROM programmes_budget b
JOIN programmes_version v ON v.programme = b.programme AND v.version = b.version
WHERE b.programme = ANY (%(programmes)s)
ORDER BY b.programme, b.version
FOR UPDATE OF b;

-- name: already_enrolled
SELECT subscriber_id, programme FROM programmes_enrolment WHERE subscriber_id = ANY (%(lines)s);

-- name: reserve
UPDATE programmes_budget
SET reserved_bytes = reserved_bytes + %(bytes)s
WHERE programme = %(programme)s AND version = %(version)s;

-- name: grant_from_reserved
-- What was granted now is no longer reserved, in the enrolment and in the budget.
UPDATE programmes_enrolment e
SET reserved_bytes = greatest(0, e.reserved_bytes - g.bytes)
FROM (
    SELECT r.subscriber_id, r.programme, sum(r.bytes)::bigint AS bytes
    FROM programmes_due d
    JOIN programmes_release r
        ON r.subscriber_id = d.subscriber_id AND r.programme = d.programme AND r.index = d.index
    GROUP BY 1, 2
) g
JOIN programmes_enrolment w ON w.subscriber_id = g.subscriber_id AND w.programme = g.programme
JOIN programmes_budget b ON b.programme = w.programme AND b.version = w.version
WHERE e.subscriber_id = g.subscriber_id AND e.programme = g.programme
RETURNING b.programme, b.version, g.bytes, least(w.reserved_bytes, g.bytes);

-- name: move_to_granted
UPDATE programmes_budget
SET granted_bytes = granted_bytes + %(granted)s, reserved_bytes = reserved_bytes - %(freed)s
WHERE programme = %(programme)s AND version = %(version)s;

-- name: reserving_lines
SELECT e.subscriber_id
FROM programmes_enrolment e
JOIN programmes_budget b ON b.programme = e.programme AND b.version = e.version
WHERE e.reserved_bytes > 0 AND e.subscriber_id > %(beyond)s
ORDER BY e.subscriber_id
LIMIT %(limit)s;

-- name: shrink_reservations
-- Still promised are the unreleased tranches of windows that are not missed, in periods that are not over, at
-- the highest level they can reach. An enrolment that has closed promises nothing.
UPDATE programmes_enrolment e
SET reserved_bytes = p.promised_bytes
FROM (
    SELECT
        q.subscriber_id, q.programme, q.version, w.reserved_bytes AS reserved_before,
        least(
            w.reserved_bytes,
            coalesce(sum(
                CASE v.on_missed_stage
                    WHEN 'calendar' THEN v.stage_bytes[s."window"]
                    ELSE (SELECT max(bytes) FROM unnest(v.stage_bytes[1 : s."window"]) AS bytes)
                END
            ) FILTER (
                WHERE s.state <> 'missed'
                AND q.released_mask & (1::bigint << n.index) = 0
                AND q.period_bounds[n.index + 1] > q.decided_at
                AND q.period_bounds[n.index] < q.stopped_at
                AND q.decided_at <= q.closes_at
            ), 0)
        )::bigint AS promised_bytes
    FROM programmes_asked q
    JOIN programmes_enrolment w ON w.subscriber_id = q.subscriber_id AND w.programme = q.programme
    JOIN programmes_budget b ON b.programme = q.programme AND b.version = q.version
    JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
    JOIN programmes_staged s ON s.place = q.place
    JOIN generate_series(1, 60) AS n(index)
        ON n.index > s."window" * v.periods_per_stage AND n.index <= (s."window" + 1) * v.periods_per_stage
    GROUP BY 1, 2, 3, 4
) p
WHERE e.subscriber_id = p.subscriber_id AND e.programme = p.programme AND e.reserved_bytes <> p.promised_bytes
RETURNING p.programme, p.version, 0::bigint, p.reserved_before - p.promised_bytes
