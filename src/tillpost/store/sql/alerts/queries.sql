-- name: alerts
SELECT shop, code, began_at, words FROM alerts ORDER BY began_at, shop, code;

-- name: begin
INSERT INTO alerts (shop, code, began_at, words) VALUES (?, ?, ?, ?)
ON CONFLICT (shop, code) DO NOTHING;

-- name: end
DELETE FROM alerts WHERE shop = ? AND code = ?;
