-- name: pulls
SELECT shop, platform, account_id, tried_at, read_at, rows_read, trouble, next_at FROM pulls
ORDER BY shop, platform, account_id;

-- name: put_pull
INSERT INTO pulls (shop, platform, account_id, tried_at, read_at, rows_read, trouble, next_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (shop, platform, account_id) DO UPDATE
SET tried_at = excluded.tried_at, read_at = COALESCE(excluded.read_at, pulls.read_at),
    rows_read = CASE WHEN excluded.read_at IS NULL THEN pulls.rows_read ELSE excluded.rows_read END,
    trouble = excluded.trouble, next_at = excluded.next_at;
