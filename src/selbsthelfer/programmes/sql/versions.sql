-- name: version_at
SELECT programme, version, digest, definition, published_at
FROM programmes_version
WHERE programme = %(programme)s AND published_at <= %(at)s
ORDER BY version DESC
LIMIT 1;

-- name: versions_of
SELECT programme, version, digest, definition, published_at
FROM programmes_version
WHERE programme = %(programme)s
ORDER BY version DESC
LIMIT %(limit)s;

-- name: versions_at
-- The version of each programme that was in force at an instant.
SELECT DISTINCT ON (programme) programme, version, digest, definition, published_at
FROM programmes_version
WHERE published_at <= %(at)s
ORDER BY programme, version DESC
