-- name: orders_of_line
SELECT credit_id, system, state, bytes, ordered_at, confirmed_at
FROM charging_creditorder
WHERE subscriber_id = %(line)s
ORDER BY ordered_at DESC, credit_id
LIMIT %(limit)s
