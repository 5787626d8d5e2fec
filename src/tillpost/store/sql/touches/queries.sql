-- name: stale
-- Landings of a shop that other rules classified, in order.
SELECT id, shop, visitor_id, at, source, medium, campaign, term, content, campaign_id, adset_id,
    ad_id, channel, direct, paid, click_kind, click_id, referrer_host, landing_path, rules, url,
    referrer, flags
FROM touches
WHERE shop = ?1 AND rules <> ?2
ORDER BY id LIMIT ?3;

-- name: keep_past
INSERT OR REPLACE INTO past_touches (touch, rules, changed_at, told) VALUES (?, ?, ?, ?);

-- name: merge
-- The same landing that already goes by the new name; deleted, so that triggers see it.
DELETE FROM touches
WHERE shop = ? AND visitor_id = ? AND at = ? AND channel = ? AND IFNULL(url, '') = IFNULL(?, '')
    AND id <> ?;

-- name: rename
UPDATE touches
SET source = ?, medium = ?, campaign = ?, term = ?, content = ?, campaign_id = ?, adset_id = ?,
    ad_id = ?, channel = ?, direct = ?, paid = ?, click_kind = ?, click_id = ?,
    referrer_host = ?, landing_path = ?, rules = ?, flags = ?, dropped = 0
WHERE id = ?;

-- name: drop
UPDATE touches SET dropped = 1, rules = ? WHERE id = ?;

-- name: past
SELECT touch, told FROM past_touches ORDER BY touch, rules;
