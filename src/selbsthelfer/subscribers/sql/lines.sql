-- name: apply_changes
-- The newest change that names a property holds, by (time, id); without one the registration holds.
UPDATE subscribers_subscriber s
SET
    msisdn = coalesce(n.msisdn, s.msisdn),
    language = coalesce(n.language, s.language),
    tariff = coalesce(n.tariff, s.registered_tariff),
    included_bytes = coalesce(n.included_bytes, s.registered_included_bytes),
    suspended = coalesce(n.suspended, false)
FROM (
    SELECT
        subscriber_id,
        (array_agg(msisdn ORDER BY happened_at DESC, id DESC, source DESC) FILTER (WHERE msisdn IS NOT NULL))[1] AS msisdn,
        (array_agg(language ORDER BY happened_at DESC, id DESC, source DESC) FILTER (WHERE language IS NOT NULL))[1] AS language,
        (array_agg(tariff ORDER BY happened_at DESC, id DESC, source DESC) FILTER (WHERE tariff IS NOT NULL))[1] AS tariff,
        (array_agg(included_bytes ORDER BY happened_at DESC, id DESC, source DESC) FILTER (WHERE included_bytes IS NOT NULL))[1] AS included_bytes,
        (array_agg(suspended ORDER BY happened_at DESC, id DESC, source DESC) FILTER (WHERE suspended IS NOT NULL))[1] AS suspended
    FROM subscribers_change
    WHERE subscriber_id = ANY (%(lines)s)
    GROUP BY subscriber_id
) n
WHERE n.subscriber_id = s.subscriber_id;

-- name: apply_ends
UPDATE subscribers_subscriber s
SET ended_at = n.ended_at
FROM (
    SELECT subscriber_id, min(happened_at) AS ended_at
    FROM subscribers_ended
    WHERE subscriber_id = ANY (%(lines)s)
    GROUP BY subscriber_id
) n
WHERE n.subscriber_id = s.subscriber_id;

-- name: assign_numbers
INSERT INTO subscribers_number (msisdn, assigned_at, subscriber_id)
SELECT * FROM unnest(%(msisdns)s::text[], %(instants)s::timestamptz[], %(lines)s::uuid[])
ON CONFLICT DO NOTHING;

-- name: billing
-- What the calendar of a line is made of, one row for each change of its billing day, or one alone. Changes are so rare
-- that this is hardly more than a row for each line, and one question for both is one wait less.
SELECT
    s.subscriber_id, s.timezone, s.billing_day, s.period_days, s.period_anchor, s.ended_at, s.registered_at, s.received_at,
    c.happened_at, c.id, c.source, c.billing_day, c.received_at
FROM subscribers_subscriber s
LEFT JOIN subscribers_billingdaychanged c ON c.subscriber_id = s.subscriber_id
WHERE s.subscriber_id = ANY (%(lines)s);

-- name: ends
SELECT subscriber_id, happened_at, id, source, received_at
FROM subscribers_ended
WHERE subscriber_id = ANY (%(lines)s);

-- name: callers
-- Who had a number at an instant: the newest assignment before it.
SELECT DISTINCT ON (n.msisdn) n.msisdn, s.subject
FROM subscribers_number n
JOIN subscribers_subscriber s ON s.subscriber_id = n.subscriber_id
WHERE n.msisdn = ANY (%(msisdns)s)
ORDER BY n.msisdn, n.assigned_at DESC;

-- name: standings_of_lines
-- What signing in needs to know of a line: where it is reached, and whether it still runs.
SELECT subscriber_id, subject, msisdn, language, ended_at
FROM subscribers_subscriber
WHERE subscriber_id = ANY (%(lines)s);

-- name: profile_of_line
SELECT subject, tariff, timezone, language, suspended, registered_at, ended_at
FROM subscribers_subscriber
WHERE subscriber_id = %(line)s;

-- name: export_of_line
-- Everything that is kept about a line itself, for the one who asks for their data.
SELECT to_jsonb(s) - 'subscriber_id' FROM subscribers_subscriber s WHERE subscriber_id = %(line)s;

-- name: export_of_numbers
SELECT msisdn, assigned_at FROM subscribers_number WHERE subscriber_id = %(line)s ORDER BY assigned_at DESC LIMIT %(limit)s;
