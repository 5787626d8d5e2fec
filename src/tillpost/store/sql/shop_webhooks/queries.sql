-- The shop's webhooks that lead here.

-- name: of
SELECT given, topic, made_at, gone_at, trouble FROM shop_webhooks WHERE shop = ?
ORDER BY topic, given;

-- name: clear
DELETE FROM shop_webhooks WHERE shop = ?;

-- name: put
INSERT OR REPLACE INTO shop_webhooks (shop, given, topic, made_at, gone_at, trouble)
VALUES (?, ?, ?, ?, ?, ?);
