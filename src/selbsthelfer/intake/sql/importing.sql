-- name: lines_of_numbers
-- Who had a number at an instant: the newest assignment up to then, unless that line had another number or had
-- ended by then. Where two lines got the number at the same instant, nobody can tell, and neither is named.
SELECT t.ordinal, min(t.subject)
FROM (
    SELECT
        a.ordinal,
        s.subject,
        (s.ended_at IS NULL OR s.ended_at > a.at)
            AND NOT EXISTS (
                SELECT FROM subscribers_change c
                WHERE c.subscriber_id = n.subscriber_id AND c.msisdn IS NOT NULL AND c.msisdn <> n.msisdn
                    AND c.happened_at > n.assigned_at AND c.happened_at <= a.at
            ) AS has_it_still,
        rank() OVER (PARTITION BY a.ordinal ORDER BY n.assigned_at DESC) AS place
    FROM unnest(%(ordinals)s::integer[], %(msisdns)s::text[], %(instants)s::timestamptz[]) AS a (ordinal, msisdn, at)
    JOIN subscribers_number n ON n.msisdn = a.msisdn AND n.assigned_at <= a.at
    JOIN subscribers_subscriber s ON s.subscriber_id = n.subscriber_id
) t
WHERE t.place = 1
GROUP BY t.ordinal
HAVING min(t.subject) = max(t.subject) AND bool_and(t.has_it_still);

-- name: lines_of_subjects
-- The operator's own id makes ours, so this only asks whether the line is registered.
SELECT s.subject FROM subscribers_subscriber s WHERE s.subscriber_id = ANY (%(lines)s)
