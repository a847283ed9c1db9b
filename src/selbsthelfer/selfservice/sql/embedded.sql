-- name: line_facts
-- What is registered of a line and the embedded back end goes by.
SELECT timezone, msisdn, tariff, included_bytes, registered_at
FROM subscribers_subscriber
WHERE subscriber_id = %(line)s;

-- name: tariffs_to_tell
-- A partial index holds nothing but the lines whose new tariff intake has not heard of.
SELECT e.subscriber_id, s.subject
FROM selfservice_embeddedline e
JOIN subscribers_subscriber s ON s.subscriber_id = e.subscriber_id
WHERE e.tariff_to_tell_at <= %(now)s
ORDER BY e.tariff_to_tell_at
LIMIT %(limit)s;
