-- The decision of `programmes/core`, for a set of lines at once.
--
-- Four steps, each a temporary table that the next one joins: the enrolments asked about, the activities that
-- count, the contacts judged, the stages. A fifth finds the tranches that are due. Temporary tables rather than
-- one long statement: the planner sees each step's true size, and pages read the steps they need. Within a
-- decision an enrolment is known by its `place`, a number, so that millions of rows are sorted and joined by it.

-- name: prepare
-- Temporary tables live as long as the connection; every decision empties those it fills.
CREATE TEMPORARY TABLE IF NOT EXISTS programmes_touch (
    subscriber_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    news_at timestamptz,
    may_release boolean NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS programmes_asked (
    place integer NOT NULL,
    subscriber_id uuid NOT NULL,
    programme text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    variant text COLLATE "C" NOT NULL,
    decided_at timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    enrolled_at timestamptz NOT NULL,
    stopped_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    period_bounds timestamptz[] NOT NULL,
    released_mask bigint NOT NULL,
    missed_mask bigint NOT NULL,
    told_mask bigint NOT NULL,
    cap_bytes bigint NOT NULL,
    altered boolean NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS programmes_counting (
    place integer NOT NULL,
    index integer NOT NULL,
    happened_at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS programmes_judged (
    place integer NOT NULL,
    "window" integer NOT NULL,
    happened_at timestamptz NOT NULL,
    id text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    code text COLLATE "C"
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS programmes_staged (
    place integer NOT NULL,
    "window" integer NOT NULL,
    level integer NOT NULL,
    state text COLLATE "C" NOT NULL,
    activities bigint NOT NULL,
    contacts bigint NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS programmes_due (
    subscriber_id uuid NOT NULL,
    programme text COLLATE "C" NOT NULL,
    variant text COLLATE "C" NOT NULL,
    index integer NOT NULL,
    "window" integer NOT NULL,
    level integer NOT NULL,
    tranche_bytes bigint NOT NULL,
    cap_bytes bigint NOT NULL,
    granted_at timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    activity_source text COLLATE "C",
    activity_id text COLLATE "C"
) ON COMMIT DELETE ROWS;

-- name: touched
-- Whom a touch makes ask; either asked for real, into `programmes_asked`, or only to learn whether to.
-- Most touches can release nothing, and those enrolments are left out here: every tranche up to now is released;
-- or all that was learned are activities and contacts of the running period. Those can change no window that has
-- ended, so that only an activity matters, only to this period's tranche, and only if its window was not missed
-- when it was last decided: whatever turns a missed window into a passed one is news of another kind.
SELECT
    row_number() OVER (), subscriber_id, programme, version, variant, decided_at, known_until, enrolled_at, stopped_at, closes_at,
    period_bounds, released_mask, missed_mask, told_mask, cap_bytes, altered
FROM (
    SELECT
        e.subscriber_id, e.programme, e.version, e.variant, t.decided_at, t.known_until, e.enrolled_at,
        coalesce(e.stopped_at, 'infinity') AS stopped_at, e.closes_at, e.period_bounds, e.released_mask,
        e.missed_mask, e.told_mask, e.cap_bytes, e.altered, t.news_at, t.may_release,
        v.periods_per_stage,
        v.periods_per_stage * (v.stage_count + 1) AS last_paid,
        width_bucket(t.decided_at, e.period_bounds) AS current_index
    FROM programmes_touch t
    JOIN programmes_enrolment e ON e.subscriber_id = t.subscriber_id AND e.known_from <= t.known_until
    JOIN programmes_version v ON v.programme = e.programme AND v.version = e.version
) touched
WHERE altered OR (
    decided_at <= closes_at
    AND current_index > periods_per_stage
    AND CASE
        WHEN news_at >= period_bounds[current_index] THEN
            may_release
            AND current_index <= last_paid
            AND released_mask & (1::bigint << current_index) = 0
            AND missed_mask & (1::bigint << ((current_index - 1) / periods_per_stage)) = 0
        ELSE
            ~released_mask & (
                (1::bigint << (least(current_index, last_paid) + 1)) - (1::bigint << (periods_per_stage + 1))
            ) <> 0
    END
);

-- name: few_touches
-- Stands for the temporary table of that name where touches are few.
SELECT *
FROM unnest(
    %(subscriber_id)s::uuid[], %(decided_at)s::timestamptz[], %(known_until)s::timestamptz[],
    %(news_at)s::timestamptz[], %(may_release)s::boolean[]
) AS t(subscriber_id, decided_at, known_until, news_at, may_release);

-- name: ask_all
-- For reading: the enrolments of the touched lines, each as known while it was open. What was released later
-- than the instant asked about is not known to it.
INSERT INTO programmes_asked
SELECT
    row_number() OVER (), e.subscriber_id, e.programme, e.version, e.variant, t.decided_at,
    CASE WHEN e.altered THEN t.known_until ELSE least(t.known_until, e.closes_at) END,
    e.enrolled_at, coalesce(e.stopped_at, 'infinity'), e.closes_at, e.period_bounds,
    CASE WHEN e.released_mask <> 0 THEN (
        SELECT coalesce(bit_or(1::bigint << r.index), 0) FROM programmes_release r
        WHERE r.subscriber_id = e.subscriber_id AND r.programme = e.programme AND r.granted_at <= t.decided_at
    ) ELSE 0 END,
    e.missed_mask, e.told_mask, e.cap_bytes, e.altered
FROM programmes_touch t
JOIN programmes_enrolment e ON e.subscriber_id = t.subscriber_id AND e.known_from <= t.known_until;

-- name: find_counting_activities
-- The activities of a line come from its key's index alone, in the order in which the classes look at them.
-- The boundaries are left behind before the sort (OFFSET 0 keeps the planner from pulling them through it).
INSERT INTO programmes_counting
SELECT place, index, happened_at, id, source
FROM (
    SELECT
        *, lag(happened_at) OVER (PARTITION BY place, activity ORDER BY happened_at, id, source) AS earlier_at
    FROM (
        SELECT
            q.place, q.enrolled_at, k.counting_class, a.activity, a.happened_at, a.id, a.source,
            width_bucket(a.happened_at, q.period_bounds) AS index,
            q.period_bounds[width_bucket(a.happened_at, q.period_bounds)] AS period_starts_at
        FROM programmes_asked q
        JOIN activities_activity a
            ON a.subscriber_id = q.subscriber_id
            AND a.succeeded
            AND a.received_at <= q.known_until
            AND a.happened_at < q.stopped_at
        JOIN activities_kind k ON k.activity = a.activity AND k.counting_class <> 'never'
        OFFSET 0
    ) located
) succeeded
WHERE happened_at >= enrolled_at
AND CASE counting_class
    WHEN 'always' THEN true
    WHEN 'once' THEN earlier_at IS NULL
    WHEN 'once_per_period' THEN
        earlier_at IS NULL OR earlier_at < enrolled_at OR earlier_at < period_starts_at
    WHEN 'once_per_183_days' THEN earlier_at IS NULL OR happened_at - earlier_at >= interval '4392 hours'
END;

-- name: judge_contacts
-- The first condition that fails gives the code; the order of the branches is the order of the conditions.
INSERT INTO programmes_judged
WITH seen AS (
    SELECT
        q.place, q.subscriber_id, q.programme, q.version, q.known_until, q.stopped_at, q.enrolled_at,
        c.happened_at, c.id, c.source, c.received_at, c.channel, c.direction, c.outcome, c.talk_seconds, c.topic,
        (width_bucket(c.happened_at, q.period_bounds) + v.periods_per_stage - 1) / v.periods_per_stage AS "window",
        q.period_bounds, v.periods_per_stage, v.settle_delay
    FROM programmes_asked q
    JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
    JOIN contacts_contact c
        ON c.subscriber_id = q.subscriber_id
        AND c.received_at <= q.known_until
        AND c.happened_at >= q.enrolled_at
        AND c.happened_at < q.stopped_at
        AND c.happened_at < q.period_bounds[v.stage_count * v.periods_per_stage + 1]
),
settled AS (
    SELECT *, period_bounds["window" * periods_per_stage + 1] + settle_delay AS settles_at FROM seen
),
told AS MATERIALIZED (
    -- What agents said: the newest coding received before the window settles gives the topic; the newest
    -- reclassification that has an effect decides. One to "counts" has none when it or the contact came too late.
    SELECT
        s.*,
        coalesce(
            (
                SELECT k.topic FROM contacts_coding k
                WHERE k.subscriber_id = s.subscriber_id AND k.contact_source = s.source AND k.contact_id = s.id
                AND k.received_at <= s.known_until AND k.received_at < s.settles_at AND k.happened_at < s.stopped_at
                ORDER BY k.happened_at DESC, k.id DESC, k.source DESC LIMIT 1
            ),
            s.topic
        ) AS settled_topic,
        (
            SELECT CASE WHEN r.counts THEN 'counts' ELSE 'reclassified' END FROM contacts_reclassification r
            WHERE r.subscriber_id = s.subscriber_id AND r.contact_source = s.source AND r.contact_id = s.id
            AND r.received_at <= s.known_until
            AND r.happened_at >= s.enrolled_at AND r.happened_at < s.stopped_at
            AND (NOT r.counts OR greatest(s.received_at, r.received_at) < s.settles_at)
            ORDER BY r.happened_at DESC, r.id DESC, r.source DESC LIMIT 1
        ) AS said
    FROM settled s
),
judged AS MATERIALIZED (
    SELECT
        t.place, t."window", t.happened_at, t.id, t.source, t.said, v.goodwill_contacts,
        CASE
            WHEN t.said IS NOT NULL THEN nullif(t.said, 'counts')
            WHEN t.channel IS NULL OR NOT t.channel = ANY (v.channels) THEN 'channel'
            WHEN t.direction IS DISTINCT FROM 'inbound' THEN 'operator_initiated'
            WHEN t.outcome IS DISTINCT FROM 'answered'
                OR t.talk_seconds IS NULL OR t.talk_seconds < v.talk_seconds_min THEN 'not_served'
            WHEN v.exemptions = 'fair' AND x.topic IS NULL AND k.activity IS NULL THEN 'unclassified'
            WHEN v.exemptions = 'fair' AND x.topic IS NOT NULL THEN x.code
            WHEN v.exemptions = 'fair' AND k.counting_class = 'never' THEN k.activity
            WHEN v.exemptions = 'fair' AND (NOT k.online OR EXISTS (
                -- Whether any tariff is excepted is asked first: the line's own takes longer to find.
                SELECT FROM programmes_notonline n
                WHERE n.programme = t.programme AND n.version = t.version AND n.activity = t.settled_topic
            ) AND EXISTS (
                SELECT FROM programmes_notonline n
                WHERE n.programme = t.programme AND n.version = t.version AND n.activity = t.settled_topic
                AND n.tariff = (
                    SELECT coalesce(
                        (
                            SELECT c.tariff FROM subscribers_change c
                            WHERE c.subscriber_id = t.subscriber_id AND c.tariff IS NOT NULL
                            AND c.received_at <= t.known_until AND c.happened_at <= t.happened_at
                            ORDER BY c.happened_at DESC, c.id DESC, c.source DESC LIMIT 1
                        ),
                        (SELECT b.registered_tariff FROM subscribers_subscriber b WHERE b.subscriber_id = t.subscriber_id)
                    )
                )
            )) THEN 'not_online'
            WHEN v.exemptions = 'fair' AND EXISTS (
                SELECT FROM activities_activity a
                WHERE a.subscriber_id = t.subscriber_id AND a.activity = t.settled_topic AND NOT a.succeeded
                AND a.received_at <= t.known_until AND a.happened_at < t.stopped_at
                AND a.happened_at >= t.happened_at - interval '72 hours'
                AND (a.happened_at, a.id) < (t.happened_at, t.id)
            ) THEN 'selfservice_failed'
            WHEN v.exemptions = 'fair' AND EXISTS (
                SELECT FROM contacts_contact o
                WHERE o.subscriber_id = t.subscriber_id
                AND o.received_at <= t.known_until
                AND o.outcome IS DISTINCT FROM 'abandoned'
                AND o.happened_at >= t.happened_at - interval '168 hours'
                AND (o.happened_at, o.id) < (t.happened_at, t.id)
                AND t.settled_topic = coalesce(
                    (
                        -- The other contact's topic as known when its own window settles.
                        SELECT k.topic FROM contacts_coding k
                        WHERE k.subscriber_id = o.subscriber_id AND k.contact_source = o.source
                        AND k.contact_id = o.id
                        AND k.received_at <= t.known_until AND k.happened_at < t.stopped_at
                        AND k.received_at < t.settle_delay + t.period_bounds[1 + t.periods_per_stage * greatest(
                            1,
                            (width_bucket(o.happened_at, t.period_bounds) + t.periods_per_stage - 1) / t.periods_per_stage
                        )]
                        ORDER BY k.happened_at DESC, k.id DESC, k.source DESC LIMIT 1
                    ),
                    o.topic
                )
            ) THEN 'repeat'
            WHEN v.exemptions = 'fair' AND EXISTS (
                SELECT FROM contacts_crisis s
                WHERE s.received_at <= t.known_until
                AND s.from_at <= t.happened_at AND t.happened_at < s.until_at
                AND (coalesce(cardinality(s.topics), 0) = 0 OR t.settled_topic = ANY (s.topics))
            ) THEN 'crisis'
            WHEN t.received_at >= t.settles_at THEN 'late'
        END AS code
    FROM told t
    JOIN programmes_version v ON v.programme = t.programme AND v.version = t.version
    LEFT JOIN contacts_exempttopic x ON x.topic = t.settled_topic
    LEFT JOIN activities_kind k ON k.activity = t.settled_topic
)
SELECT
    place, "window", happened_at, id, source,
    CASE
        WHEN code IS NULL AND said IS NULL AND goodwill_contacts > 0 AND goodwill_contacts >= rank() OVER (
            PARTITION BY place, "window", code IS NULL AND said IS NULL ORDER BY happened_at, id
        ) THEN 'goodwill'
        ELSE code
    END
FROM judged;

-- name: decide_stages
-- A window with a released tranche is passed for good; the level follows from the windows before.
INSERT INTO programmes_staged
SELECT
    place, "window",
    CASE on_missed_stage
        WHEN 'repeat' THEN 1 + coalesce(sum(CASE WHEN state = 'passed' THEN 1 ELSE 0 END) OVER earlier, 0)
        WHEN 'reset' THEN
            "window" - coalesce(max(CASE WHEN state <> 'passed' THEN "window" END) OVER earlier, 0)
        ELSE "window"
    END,
    state, activities, contacts
FROM (
    SELECT
        w.place, w."window", w.on_missed_stage,
        coalesce(a.activities, 0) AS activities, coalesce(c.contacts, 0) AS contacts,
        CASE
            WHEN w.released THEN 'passed'
            WHEN w.decided_at < w.ends_at THEN 'open'
            WHEN coalesce(a.activities, 0) >= w.activities_min AND coalesce(c.contacts, 0) <= w.contacts_max
                THEN 'passed'
            WHEN w.decided_at < w.ends_at + w.settle_delay THEN 'open'
            ELSE 'missed'
        END AS state
    FROM (
        SELECT
            q.place, n."window", q.decided_at, v.activities_min, v.contacts_max,
            v.settle_delay, v.on_missed_stage,
            q.period_bounds[n."window" * v.periods_per_stage + 1] AS ends_at,
            q.released_mask & (
                ((1::bigint << v.periods_per_stage) - 1) << (n."window" * v.periods_per_stage + 1)
            ) <> 0 AS released
        FROM programmes_asked q
        JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
        JOIN generate_series(1, 12) AS n("window") ON n."window" <= v.stage_count
    ) w
    LEFT JOIN (
        SELECT
            f.place, (f.index + v.periods_per_stage - 1) / v.periods_per_stage AS "window", count(*) AS activities
        FROM programmes_counting f
        JOIN programmes_asked q ON q.place = f.place
        JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version
        GROUP BY 1, 2
    ) a ON a.place = w.place AND a."window" = w."window"
    LEFT JOIN (
        SELECT place, "window", count(*) AS contacts FROM programmes_judged WHERE code IS NULL GROUP BY 1, 2
    ) c ON c.place = w.place AND c."window" = w."window"
) decided
WINDOW earlier AS (PARTITION BY place ORDER BY "window" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);

-- name: changed_missed_masks
SELECT subscriber_id, programme, decided_mask
FROM (
    SELECT
        q.place, q.subscriber_id, q.programme, q.missed_mask,
        bit_or(CASE s.state WHEN 'missed' THEN 1::bigint << s."window" ELSE 0 END) AS decided_mask
    FROM programmes_asked q
    JOIN programmes_staged s ON s.place = q.place
    GROUP BY 1, 2, 3, 4
) decided
WHERE missed_mask <> decided_mask;

-- name: mark_missed
UPDATE programmes_enrolment e
SET missed_mask = d.missed_mask
FROM unnest(%(lines)s::uuid[], %(programmes)s::text[], %(masks)s::bigint[]) AS d(subscriber_id, programme, missed_mask)
WHERE e.subscriber_id = d.subscriber_id AND e.programme = d.programme;

-- name: find_due
-- Every tranche of a passed window that is not released yet and whose activity, or whose period, has come.
-- The first counting activity of a period releases its tranche.
INSERT INTO programmes_due
SELECT
    q.subscriber_id, q.programme, q.variant, d.index, d."window", d.level, d.tranche_bytes,
    q.cap_bytes, q.decided_at, q.period_bounds[width_bucket(q.decided_at, q.period_bounds) + 1],
    d.source, d.id
FROM (
    SELECT DISTINCT ON (f.place, f.index)
        f.place, f.index, s."window", s.level, v.stage_bytes[s.level] AS tranche_bytes, f.source, f.id
    FROM programmes_staged s
    JOIN programmes_counting f ON f.place = s.place
    JOIN programmes_asked q ON q.place = f.place
    JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version AND v.release = 'activity'
    WHERE s.state = 'passed'
    AND s."window" = (f.index - 1) / v.periods_per_stage
    AND q.released_mask & (1::bigint << f.index) = 0
    ORDER BY f.place, f.index, f.happened_at, f.id, f.source
) d
JOIN programmes_asked q ON q.place = d.place
UNION ALL
SELECT
    q.subscriber_id, q.programme, q.variant, n.index, s."window", s.level, v.stage_bytes[s.level],
    q.cap_bytes, q.decided_at, q.period_bounds[width_bucket(q.decided_at, q.period_bounds) + 1],
    NULL, NULL
FROM programmes_staged s
JOIN programmes_asked q ON q.place = s.place
JOIN programmes_version v ON v.programme = q.programme AND v.version = q.version AND v.release = 'period_start'
JOIN generate_series(1, 60) AS n(index) ON s."window" = (n.index - 1) / v.periods_per_stage
WHERE s.state = 'passed'
AND q.released_mask & (1::bigint << n.index) = 0
AND q.period_bounds[n.index] <= q.decided_at AND q.period_bounds[n.index] < q.stopped_at;

-- name: release_due
-- The running total cuts each tranche to what the cap leaves; in control nothing is granted, only recorded.
INSERT INTO programmes_release (
    subscriber_id, programme, index, "window", level, bytes, granted_at, valid_until,
    activity_source, activity_id, credit_id, ordinal, total_bytes, cap_bytes
)
SELECT
    subscriber_id, programme, index, "window", level,
    total_bytes - lag(total_bytes, 1, granted_before) OVER releases,
    granted_at, valid_until, activity_source, activity_id,
    encode(
        substring(sha256(convert_to(subscriber_id::text || '/' || programme || '/' || index, 'UTF8')) FOR 16), 'hex'
    )::uuid,
    released_before + row_number() OVER releases,
    total_bytes, cap_bytes
FROM (
    SELECT
        d.*, coalesce(r.ordinal, 0) AS released_before, coalesce(r.total_bytes, 0) AS granted_before,
        least(
            d.cap_bytes,
            coalesce(r.total_bytes, 0) + sum(CASE d.variant WHEN 'treatment' THEN d.tranche_bytes ELSE 0 END)
                OVER (PARTITION BY d.subscriber_id, d.programme ORDER BY d.index)
        )::bigint AS total_bytes
    FROM programmes_due d
    LEFT JOIN LATERAL (
        SELECT p.ordinal, p.total_bytes
        FROM programmes_release p
        WHERE p.subscriber_id = d.subscriber_id AND p.programme = d.programme
        ORDER BY p.ordinal DESC LIMIT 1
    ) r ON true
) summed
WINDOW releases AS (PARTITION BY subscriber_id, programme ORDER BY index)
RETURNING subscriber_id, credit_id, bytes, granted_at, valid_until;

-- name: mark_released
UPDATE programmes_enrolment e
SET released_mask = e.released_mask | d.released_mask
FROM (
    SELECT subscriber_id, programme, bit_or(1::bigint << index) AS released_mask
    FROM programmes_due GROUP BY 1, 2
) d
WHERE e.subscriber_id = d.subscriber_id AND e.programme = d.programme
