-- name: line_to_explain
-- The line as it is billed, once for each enrolment known by then, or once alone. What moved its periods or ended
-- it, its activities and what was released come along as arrays: a page may ask only eight questions, and the volume
-- that a line has takes up to six of them.
SELECT
    s.subject, s.timezone, s.language, s.registered_tariff, s.billing_day, s.period_days, s.period_anchor,
    coalesce(c.changes, '[]') AS changes, coalesce(a.activities, '[]') AS activities,
    e.programme, e.version, e.variant, e.enrolled_at, e.known_from, v.digest, v.definition,
    coalesce(r.releases, '[]') AS releases
FROM subscribers_subscriber s
LEFT JOIN programmes_enrolment e
    ON e.subscriber_id = s.subscriber_id AND e.known_from <= %(at)s
    AND e.programme = coalesce(%(programme)s::text, e.programme)
LEFT JOIN programmes_version v ON v.programme = e.programme AND v.version = e.version
LEFT JOIN (
    SELECT subscriber_id, jsonb_agg(to_jsonb(told)) AS changes
    FROM (
        SELECT
            subscriber_id, 'billing_day' AS kind, happened_at, id, source, received_at, billing_day,
            NULL AS tariff, NULL AS programme
        FROM subscribers_billingdaychanged WHERE subscriber_id = %(line)s AND received_at <= %(at)s
        UNION ALL
        SELECT subscriber_id, 'tariff', happened_at, id, source, received_at, NULL, tariff, NULL
        FROM subscribers_change WHERE subscriber_id = %(line)s AND received_at <= %(at)s AND tariff IS NOT NULL
        UNION ALL
        SELECT subscriber_id, 'ended', happened_at, id, source, received_at, NULL, NULL, NULL
        FROM subscribers_ended WHERE subscriber_id = %(line)s AND received_at <= %(at)s
        UNION ALL
        SELECT subscriber_id, 'withdrawn', happened_at, id, source, received_at, NULL, NULL, programme
        FROM programmes_withdrawal WHERE subscriber_id = %(line)s AND received_at <= %(at)s
    ) told
    GROUP BY subscriber_id
) c ON c.subscriber_id = s.subscriber_id
LEFT JOIN (
    SELECT subscriber_id, jsonb_agg(to_jsonb(finished)) AS activities
    FROM activities_activity finished
    WHERE subscriber_id = %(line)s AND received_at <= %(at)s
    GROUP BY subscriber_id
) a ON a.subscriber_id = e.subscriber_id
LEFT JOIN (
    -- What is left of a grant is what is left now and what burned after the instant asked about.
    SELECT subscriber_id, programme, jsonb_agg(to_jsonb(released)) AS releases
    FROM (
        SELECT
            p.*, o.state AS order_state,
            n.balance_bytes - (
                SELECT coalesce(sum(b.amount_bytes), 0)::bigint FROM allowances_entry b
                WHERE b.subscriber_id = p.subscriber_id AND b.bucket_id = p.credit_id
                AND b.amount_bytes < 0 AND b.happened_at > %(at)s
            ) AS left_bytes
        FROM programmes_release p
        LEFT JOIN charging_creditorder o ON o.subscriber_id = p.subscriber_id AND o.credit_id = p.credit_id
        LEFT JOIN LATERAL (
            SELECT e.balance_bytes FROM allowances_entry e
            WHERE e.subscriber_id = p.subscriber_id AND e.bucket_id = p.credit_id
            ORDER BY e.ordinal DESC LIMIT 1
        ) n ON true
        WHERE p.subscriber_id = %(line)s AND p.granted_at <= %(at)s
    ) released
    GROUP BY subscriber_id, programme
) r ON r.subscriber_id = e.subscriber_id AND r.programme = e.programme
WHERE s.subscriber_id = %(line)s AND s.received_at <= %(at)s
ORDER BY e.enrolled_at, e.programme;

-- name: line_exists
SELECT FROM subscribers_subscriber WHERE subscriber_id = %(line)s
