-- Usage burns volume, for all lines of a batch at once.
--
-- Each line's usage stands in the order in which it burns (`position`) and falls into rounds: usage during which
-- the same buckets are valid. Within a round both usage and buckets are intervals on one line of bytes, and what
-- overlaps burns; so a batch needs as many rounds as buckets begin or end in it, not as many as it has usage.
-- What burned is put together in temporary tables and appended at the end, each table in one statement.
--
-- Statements that look lines up are planned by key, those that join temporary tables by set. Entries are appended
-- from one table alone, so that this too can be planned by key and with it the checks of their chain.

-- name: prepare
-- Temporary tables live as long as the connection; every batch empties those it fills.
CREATE TEMPORARY TABLE IF NOT EXISTS allowances_used (
    position integer NOT NULL,
    subscriber_id uuid NOT NULL,
    happened_at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    bytes bigint NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS allowances_available (
    subscriber_id uuid NOT NULL,
    bucket_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    size_bytes bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    ordinal integer NOT NULL,
    opening_bytes bigint NOT NULL,
    balance_bytes bigint NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS allowances_burning (
    position integer NOT NULL,
    subscriber_id uuid NOT NULL,
    happened_at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,
    bytes bigint NOT NULL,
    round integer NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS allowances_burned (
    position integer NOT NULL,
    subscriber_id uuid NOT NULL,
    bucket_id uuid NOT NULL,
    round integer NOT NULL,
    ordinal integer NOT NULL,
    bytes bigint NOT NULL,
    balance_bytes bigint NOT NULL,
    happened_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    source text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL
) ON COMMIT DELETE ROWS;

DELETE FROM allowances_used; DELETE FROM allowances_available;
DELETE FROM allowances_burning; DELETE FROM allowances_burned;

-- name: find_available
-- The buckets valid at some time of a line's usage, also the empty ones: they too cover their period. What is left
-- in one is the balance of its newest entry, which the sub-select finds at the end of the entries' key, however
-- many there are and whatever the planner believes. What the charging system has not confirmed cannot have been used
-- there, so it burns here neither; those few orders have an index of their own.
INSERT INTO allowances_available
SELECT
    b.subscriber_id, b.bucket_id, b.kind, b.size_bytes, b.valid_from, b.valid_until,
    n.ordinal, n.balance_bytes, n.balance_bytes
FROM (
    SELECT subscriber_id, min(happened_at) AS first_at, max(happened_at) AS last_at
    FROM allowances_used GROUP BY subscriber_id
) u
JOIN allowances_bucket b
    ON b.subscriber_id = u.subscriber_id AND b.valid_until > u.first_at AND b.valid_from <= u.last_at
JOIN LATERAL (
    SELECT e.ordinal, e.balance_bytes FROM allowances_entry e
    WHERE e.subscriber_id = b.subscriber_id AND e.bucket_id = b.bucket_id
    ORDER BY e.ordinal DESC LIMIT 1
) n ON true
WHERE NOT EXISTS (
    SELECT FROM charging_creditorder o
    WHERE o.subscriber_id = b.subscriber_id AND o.credit_id = b.bucket_id AND o.state <> 'confirmed'
);

-- name: find_burning
-- Buckets rest while the line is suspended and end with it, as far as that was known when the usage was received.
INSERT INTO allowances_burning
SELECT u.*, 1
FROM allowances_used u
WHERE u.bytes > 0
AND u.happened_at < coalesce((
    SELECT min(n.happened_at) FROM subscribers_ended n
    WHERE n.subscriber_id = u.subscriber_id AND n.received_at <= u.received_at
), 'infinity')
AND NOT coalesce((
    SELECT c.suspended FROM subscribers_change c
    WHERE c.subscriber_id = u.subscriber_id AND c.suspended IS NOT NULL
    AND c.happened_at <= u.happened_at AND c.received_at <= u.received_at
    ORDER BY c.happened_at DESC, c.id DESC, c.source DESC LIMIT 1
), false);

-- name: find_uncovered
-- Usage in a period whose included bucket has not been made yet, in the order in which it burns.
SELECT u.position
FROM allowances_burning u
WHERE NOT EXISTS (
    SELECT FROM allowances_available a
    WHERE a.subscriber_id = u.subscriber_id AND a.kind = 'included'
    AND a.valid_from <= u.happened_at AND u.happened_at < a.valid_until
)
ORDER BY u.position;

-- name: leave_out_unlimited
-- What the tariff does not limit takes nothing from any bucket.
DELETE FROM allowances_burning u
USING unnest(%(positions)s::integer[]) AS x(position)
WHERE x.position = u.position;

-- name: cut_rounds
-- A line's usage goes on to its next round where a bucket begins or ends between two of its times.
UPDATE allowances_burning u
SET round = r.round
FROM (
    SELECT position, sum(CASE WHEN moved THEN 1 ELSE 0 END) OVER line AS round
    FROM (
        SELECT
            u.position, u.subscriber_id,
            width_bucket(u.happened_at, e.edges)
                IS DISTINCT FROM lag(width_bucket(u.happened_at, e.edges)) OVER line AS moved
        FROM allowances_burning u
        JOIN (
            SELECT subscriber_id, array_agg(edge_at ORDER BY edge_at) AS edges
            FROM (
                SELECT subscriber_id, valid_from AS edge_at FROM allowances_available
                UNION SELECT subscriber_id, valid_until FROM allowances_available
            ) edge
            GROUP BY subscriber_id
        ) e ON e.subscriber_id = u.subscriber_id
        WINDOW line AS (PARTITION BY u.subscriber_id ORDER BY u.position)
    ) m
    WINDOW line AS (PARTITION BY subscriber_id ORDER BY position)
) r
WHERE r.position = u.position AND r.round > 1;

-- name: count_rounds
-- The rounds of the line that needs most; lines do not wait for each other.
SELECT coalesce(max(round), 0) FROM allowances_burning;

-- name: burn_round
-- The order of the buckets is the burn order: earliest end first, within the same end by kind.
INSERT INTO allowances_burned
SELECT
    position, subscriber_id, bucket_id, %(round)s::integer,
    ordinal + row_number() OVER bucket, bytes, balance_bytes - sum(bytes) OVER bucket,
    happened_at, received_at, source, id
FROM (
    SELECT
        u.position, a.subscriber_id, a.bucket_id, a.ordinal, a.balance_bytes,
        u.happened_at, u.received_at, u.source, u.id,
        (least(u.until_bytes, a.until_bytes) - greatest(u.from_bytes, a.from_bytes))::bigint AS bytes
    FROM (
        SELECT
            position, subscriber_id, happened_at, received_at, source, id,
            sum(bytes) OVER line - bytes AS from_bytes, sum(bytes) OVER line AS until_bytes
        FROM allowances_burning
        WHERE round = %(round)s
        WINDOW line AS (PARTITION BY subscriber_id ORDER BY position)
    ) u
    JOIN (
        SELECT
            v.subscriber_id, v.bucket_id, v.ordinal, v.balance_bytes,
            sum(v.balance_bytes) OVER line - v.balance_bytes AS from_bytes,
            sum(v.balance_bytes) OVER line AS until_bytes
        FROM (
            SELECT subscriber_id, min(happened_at) AS happened_at
            FROM allowances_burning WHERE round = %(round)s
            GROUP BY subscriber_id
        ) t
        JOIN allowances_available v
            ON v.subscriber_id = t.subscriber_id
            AND v.valid_from <= t.happened_at AND t.happened_at < v.valid_until
            AND v.balance_bytes > 0
        WINDOW line AS (
            PARTITION BY v.subscriber_id
            ORDER BY v.valid_until, array_position(%(burn_order)s::text[], v.kind), v.valid_from, v.bucket_id
        )
    ) a
        ON a.subscriber_id = u.subscriber_id
        AND u.from_bytes < a.until_bytes AND a.from_bytes < u.until_bytes
) overlap
WINDOW bucket AS (PARTITION BY subscriber_id, bucket_id ORDER BY position);

-- name: carry_balances
-- The next round goes on from what this one left.
UPDATE allowances_available a
SET ordinal = b.ordinal, balance_bytes = b.balance_bytes
FROM (
    SELECT DISTINCT ON (subscriber_id, bucket_id) subscriber_id, bucket_id, ordinal, balance_bytes
    FROM allowances_burned
    WHERE round = %(round)s
    ORDER BY subscriber_id, bucket_id, ordinal DESC
) b
WHERE b.subscriber_id = a.subscriber_id AND b.bucket_id = a.bucket_id;

-- name: put_usage
-- What found no volume is unmet, unless it was unlimited.
INSERT INTO allowances_usage (subscriber_id, happened_at, id, source, received_at, bytes, unmet_bytes)
SELECT
    u.subscriber_id, u.happened_at, u.id, u.source, u.received_at, u.bytes,
    CASE WHEN x.position IS NULL THEN u.bytes - coalesce(b.bytes, 0) ELSE 0 END
FROM allowances_used u
LEFT JOIN unnest(%(unlimited)s::integer[]) AS x(position) ON x.position = u.position
LEFT JOIN (
    SELECT position, sum(bytes)::bigint AS bytes FROM allowances_burned GROUP BY position
) b ON b.position = u.position;

-- name: put_entries
-- From one table alone: see the head of this file.
INSERT INTO allowances_entry (
    subscriber_id, bucket_id, ordinal, amount_bytes, balance_bytes, happened_at, received_at, fact_source, fact_id
)
SELECT subscriber_id, bucket_id, ordinal, -bytes, balance_bytes, happened_at, received_at, source, id
FROM allowances_burned;

-- name: find_passed
-- Balances only fall, so an entry passes a percentage once and for all. What is left of the bonus is counted right
-- after the usage that passed it, in buckets that are still valid then.
WITH passed AS (
    SELECT
        b.subscriber_id, b.bucket_id, p.percent, b.position, b.happened_at, b.received_at, a.valid_until
    FROM allowances_burned b
    JOIN allowances_available a
        ON a.subscriber_id = b.subscriber_id AND a.bucket_id = b.bucket_id AND a.kind = 'included'
    JOIN unnest(%(percents)s::smallint[]) AS p(percent)
        ON (a.size_bytes - b.balance_bytes) * 100 >= a.size_bytes * p.percent
        AND (a.size_bytes - b.balance_bytes - b.bytes) * 100 < a.size_bytes * p.percent
),
left_over AS (
    SELECT
        p.subscriber_id, p.bucket_id, p.percent, a.bucket_id AS bonus_id,
        coalesce(min(b.balance_bytes), a.opening_bytes) AS bytes
    FROM passed p
    JOIN allowances_available a
        ON a.subscriber_id = p.subscriber_id AND a.kind IN ('bonus', 'courtesy')
        AND a.valid_from <= p.happened_at AND p.happened_at < a.valid_until
    LEFT JOIN allowances_burned b
        ON b.subscriber_id = a.subscriber_id AND b.bucket_id = a.bucket_id AND b.position <= p.position
    GROUP BY p.subscriber_id, p.bucket_id, p.percent, a.bucket_id, a.opening_bytes
)
SELECT
    p.subscriber_id, p.bucket_id, p.percent, p.happened_at, p.received_at,
    coalesce(l.bytes, 0) AS bonus_bytes, p.valid_until
FROM passed p
LEFT JOIN (
    SELECT subscriber_id, bucket_id, percent, sum(bytes)::bigint AS bytes
    FROM left_over GROUP BY subscriber_id, bucket_id, percent
) l ON l.subscriber_id = p.subscriber_id AND l.bucket_id = p.bucket_id AND l.percent = p.percent
ORDER BY p.position, p.percent;

-- name: lines_to_tell
-- Apart from the balances, because lines are looked up by key.
SELECT subscriber_id, ended_at, language FROM subscribers_subscriber WHERE subscriber_id = ANY (%(lines)s);

-- name: included_terms
-- How much a line includes: as registered, with every change, one row each.
SELECT s.subscriber_id, s.registered_included_bytes, c.happened_at, c.id, c.source, c.received_at, c.included_bytes
FROM subscribers_subscriber s
LEFT JOIN subscribers_change c ON c.subscriber_id = s.subscriber_id AND c.included_bytes IS NOT NULL
WHERE s.subscriber_id = ANY (%(lines)s);

-- name: overlapping_included
-- Whatever moved a boundary after a bucket was made: no two included buckets may overlap.
SELECT b.subscriber_id, b.valid_from, b.valid_until
FROM unnest(%(lines)s::uuid[], %(starts_at)s::timestamptz[], %(ends_at)s::timestamptz[])
    AS s(subscriber_id, starts_at, ends_at)
JOIN allowances_bucket b
    ON b.subscriber_id = s.subscriber_id AND b.kind = 'included'
    AND b.valid_until > s.starts_at AND b.valid_from < s.ends_at
