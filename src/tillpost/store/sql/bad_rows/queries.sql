-- Signed bodies that could not be read: reading them again.

-- name: page
SELECT id, shop, source, received_at, reason, field, detail, IFNULL(sealed, x''), headers
FROM bad_rows
WHERE id > :after AND (:shop IS NULL OR shop = :shop) ORDER BY id LIMIT :limit;

-- name: one
SELECT id, shop, source, received_at, reason, field, detail, IFNULL(sealed, x''), headers
FROM bad_rows
WHERE id = :id AND (:shop IS NULL OR shop = :shop);

-- name: drop
DELETE FROM bad_rows WHERE id = ?;
