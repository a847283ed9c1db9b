-- name: newest_versions
-- The version in force of each programme: new enrolments join it and stay with it.
SELECT DISTINCT ON (programme) programme, version, definition
FROM programmes_version
ORDER BY programme, version DESC;

-- name: enrol
-- The first enrolment holds.
INSERT INTO programmes_enrolment (
    subscriber_id, programme, version, variant, enrolled_at, known_from, stopped_at, closes_at, period_bounds,
    altered, released_mask, missed_mask, reserved_bytes, cap_bytes, source, id
) VALUES (
    %(subscriber_id)s, %(programme)s, %(version)s, %(variant)s, %(enrolled_at)s, %(known_from)s, NULL,
    %(closes_at)s, %(period_bounds)s, false, 0, 0, %(reserved_bytes)s, %(cap_bytes)s, %(source)s, %(id)s
)
ON CONFLICT DO NOTHING;

-- name: enrolments_of_lines
SELECT subscriber_id, programme, version, variant, enrolled_at, known_from
FROM programmes_enrolment
WHERE subscriber_id = ANY (%(lines)s);

-- name: withdrawals_of_lines
SELECT subscriber_id, programme, happened_at, id, source, received_at
FROM programmes_withdrawal
WHERE subscriber_id = ANY (%(lines)s);

-- name: alter
UPDATE programmes_enrolment
SET period_bounds = %(period_bounds)s, closes_at = %(closes_at)s, stopped_at = %(stopped_at)s, altered = true
WHERE subscriber_id = %(subscriber_id)s AND programme = %(programme)s;

-- name: definition_of_version
SELECT definition FROM programmes_version WHERE programme = %(programme)s AND version = %(version)s;

-- name: put_version
INSERT INTO programmes_version (
    programme, version, definition, digest, published_at, stage_bytes, stage_count, periods_per_stage,
    activities_min, contacts_max, goodwill_contacts, settle_delay, talk_seconds_min, channels, exemptions,
    on_missed_stage, release, cap_bytes, budget_bytes
)
SELECT
    %(programme)s, coalesce(max(version), 0) + 1, %(definition)s, %(digest)s, %(published_at)s, %(stage_bytes)s,
    %(stage_count)s, %(periods_per_stage)s, %(activities_min)s, %(contacts_max)s, %(goodwill_contacts)s,
    %(settle_delay)s, %(talk_seconds_min)s, %(channels)s, %(exemptions)s, %(on_missed_stage)s, %(release)s,
    %(cap_bytes)s, %(budget_bytes)s
FROM programmes_version
WHERE programme = %(programme)s
RETURNING version;

-- name: version_by_digest
SELECT version FROM programmes_version WHERE programme = %(programme)s AND digest = %(digest)s;

-- name: put_not_online
INSERT INTO programmes_notonline (programme, version, tariff, activity)
VALUES (%(programme)s, %(version)s, %(tariff)s, %(activity)s);

-- name: put_budget
INSERT INTO programmes_budget (programme, version, reserved_bytes, granted_bytes)
VALUES (%(programme)s, %(version)s, 0, 0);

-- name: may_be_outstanding
SELECT
    EXISTS (SELECT FROM programmes_version WHERE release = 'period_start')
    OR EXISTS (SELECT FROM contacts_crisis WHERE swept_at IS NULL OR received_at >= %(since)s);

-- name: clock_is_a_touch
SELECT EXISTS (SELECT FROM programmes_version WHERE release = 'period_start');

-- name: clock_touches
-- The first instants of paying periods that lie after what is decided for a line and not after `until_at`.
SELECT e.subscriber_id, e.period_bounds[n.index] AS starts_at
FROM unnest(%(lines)s::uuid[], %(after)s::timestamptz[], %(until)s::timestamptz[]) AS l(subscriber_id, after_at, until_at)
JOIN programmes_enrolment e ON e.subscriber_id = l.subscriber_id
JOIN programmes_version v
    ON v.programme = e.programme AND v.version = e.version AND v.release = 'period_start'
JOIN generate_series(1, 60) AS n(index)
    ON n.index > v.periods_per_stage AND n.index <= v.periods_per_stage * (v.stage_count + 1)
WHERE e.period_bounds[n.index] > l.after_at AND e.period_bounds[n.index] <= l.until_at;

-- name: altered_clock_lines
SELECT DISTINCT e.subscriber_id
FROM programmes_enrolment e
JOIN programmes_version v
    ON v.programme = e.programme AND v.version = e.version AND v.release = 'period_start'
WHERE e.altered AND e.subscriber_id = ANY (%(lines)s);

-- name: crisis_touches
-- A crisis matters to a line with a contact inside it that was known by then; for others it decides nothing.
SELECT DISTINCT l.subscriber_id, s.received_at
FROM unnest(%(lines)s::uuid[], %(after)s::timestamptz[], %(until)s::timestamptz[]) AS l(subscriber_id, after_at, until_at)
JOIN contacts_crisis s ON s.received_at > l.after_at AND s.received_at <= l.until_at
JOIN contacts_contact c
    ON c.subscriber_id = l.subscriber_id AND c.happened_at >= s.from_at AND c.happened_at < s.until_at
    AND c.received_at <= s.received_at;

-- name: altered
SELECT subscriber_id, programme, version, enrolled_at, known_until
FROM programmes_asked
WHERE altered;

-- name: settle_altered
UPDATE programmes_asked
SET
    period_bounds = %(period_bounds)s, closes_at = %(closes_at)s,
    stopped_at = coalesce(%(stopped_at)s::timestamptz, 'infinity'), known_until = least(known_until, %(closes_at)s)
WHERE subscriber_id = %(subscriber_id)s AND programme = %(programme)s AND known_until = %(known_until)s;

-- name: drop_closed
DELETE FROM programmes_asked WHERE altered AND decided_at > closes_at;

-- name: clear
DELETE FROM programmes_touch; DELETE FROM programmes_asked; DELETE FROM programmes_counting;
DELETE FROM programmes_judged; DELETE FROM programmes_staged; DELETE FROM programmes_due;

-- name: truncate
TRUNCATE programmes_touch, programmes_asked, programmes_counting, programmes_judged, programmes_staged, programmes_due
