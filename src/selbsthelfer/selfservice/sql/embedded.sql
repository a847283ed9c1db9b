-- name: line_facts
-- What is registered of a line and the embedded back end goes by.
SELECT timezone, msisdn, tariff, included_bytes, registered_at
FROM subscribers_subscriber
WHERE subscriber_id = %(line)s;

-- name: line_as_met
-- Asked for every page that shows something of the back end: the line, whether it is in reach, and how it is billed.
SELECT
    e.*,
    EXISTS (
        SELECT FROM selfservice_embeddedoutage o
        WHERE o.activity = ANY (%(asked)s) AND o.began_at <= %(now)s AND o.until_at > %(now)s
    ) AS is_out_of_reach,
    jsonb_build_object(
        'timezone', s.timezone, 'billing_day', s.billing_day, 'period_days', s.period_days,
        'period_anchor', s.period_anchor,
        'changes', coalesce((
            SELECT jsonb_agg(jsonb_build_array(c.happened_at, c.id, c.source, c.billing_day))
            FROM subscribers_billingdaychanged c
            WHERE c.subscriber_id = s.subscriber_id
        ), '[]')
    )::text AS billing
FROM selfservice_embeddedline e
JOIN subscribers_subscriber s ON s.subscriber_id = e.subscriber_id
WHERE e.subscriber_id = %(line)s;

-- name: tariffs_to_tell
-- A partial index holds nothing but the lines whose new tariff intake has not heard of.
SELECT e.subscriber_id, s.subject
FROM selfservice_embeddedline e
JOIN subscribers_subscriber s ON s.subscriber_id = e.subscriber_id
WHERE e.tariff_to_tell_at <= %(now)s
ORDER BY e.tariff_to_tell_at
LIMIT %(limit)s;
