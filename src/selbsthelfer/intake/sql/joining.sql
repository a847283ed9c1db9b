-- name: lock_line
-- The line's lock before anything else, as every batch takes it: line, then code, then budget.
SELECT FROM intake_line WHERE subscriber_id = %(line)s FOR NO KEY UPDATE;

-- name: joining_line
-- All that joining asks of a line, in one row.
SELECT
    s.subject, s.tariff, s.included_bytes, s.registered_at, s.ended_at,
    coalesce((
        SELECT jsonb_object_agg(
            e.programme,
            jsonb_build_object(
                'version', e.version, 'variant', e.variant, 'enrolled_at', e.enrolled_at, 'stopped_at', e.stopped_at
            )
        )
        FROM programmes_enrolment e
        WHERE e.subscriber_id = s.subscriber_id
    ), '{}') AS enrolments,
    ARRAY(
        SELECT i.programme FROM programmes_invitation i WHERE i.subscriber_id = s.subscriber_id
    ) AS invited_to
FROM subscribers_subscriber s
WHERE s.subscriber_id = %(line)s;

-- name: enrolled_in
SELECT subscriber_id
FROM programmes_enrolment
WHERE programme = %(programme)s AND subscriber_id = ANY (%(lines)s)
