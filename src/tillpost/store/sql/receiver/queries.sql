-- Statements of the receiver's store. What a batch asks for comes in one parameter: numbers as
-- a JSON array, keys end to end, 17 bytes each.

-- name: receive
INSERT INTO inbox (events) VALUES (?)

-- name: unsettled
SELECT box, events FROM inbox ORDER BY box LIMIT ?

-- name: last_seq
SELECT coalesce(max(seq), 0) FROM event

-- name: pass
DELETE FROM inbox WHERE box <= ?

-- name: trail
-- Of each mark the eight latest events.
SELECT t.mark, t.seq
FROM json_each(?) AS m
CROSS JOIN trail AS t ON t.mark = m.value
  AND t.seq >= coalesce(
    (SELECT seq FROM trail WHERE mark = m.value ORDER BY seq DESC LIMIT 1 OFFSET 7), 0)

-- name: events
SELECT * FROM event WHERE seq IN (SELECT value FROM json_each(?))

-- name: owners
WITH RECURSIVE sought (n) AS (
  SELECT 1 UNION ALL SELECT n + 17 FROM sought WHERE n + 17 < length(:keys)
)
SELECT k.key, k.person FROM sought CROSS JOIN person_key AS k ON k.key = substr(:keys, n, 17)

-- name: learned
-- Learned keys have 16 bytes.
WITH RECURSIVE sought (n) AS (
  SELECT 1 UNION ALL SELECT n + 16 FROM sought WHERE n + 16 < length(:keys)
)
SELECT k.key, k.person FROM sought CROSS JOIN learned_key AS k ON k.key = substr(:keys, n, 16)

-- name: clicks
WITH RECURSIVE sought (n) AS (
  SELECT 1 UNION ALL SELECT n + 17 FROM sought WHERE n + 17 < length(:keys)
)
SELECT c.key, c.person, c.at, c.ad
FROM sought CROSS JOIN click AS c ON c.key = substr(:keys, n, 17)

-- name: account
SELECT keys FROM person WHERE person = ?

-- name: accounts
SELECT person, keys FROM person WHERE person IN (SELECT value FROM json_each(?))

-- name: contenders
-- Of each [account, time] the latest touches of each action, within the widest window of that.
WITH asked (person, at) AS MATERIALIZED (
  SELECT value ->> 0, value ->> 1 FROM json_each(?)
), reach (action, seconds) AS (
  VALUES (1, 2419200), (2, 2419200), (3, 86400), (4, 86400)
)
SELECT a.person, a.at, t.action, t.at, t.ad
FROM asked AS a
CROSS JOIN reach AS r
CROSS JOIN touch AS t ON t.person = a.person AND t.action = r.action AND t.at = (
  SELECT max(at) FROM touch
  WHERE person = a.person AND action = r.action AND at BETWEEN a.at - r.seconds AND a.at
)

-- name: keep_event
INSERT OR REPLACE INTO event VALUES
  (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: keep_mark
INSERT OR IGNORE INTO trail (mark, seq) VALUES (?, ?)

-- name: keep_series
INSERT OR IGNORE INTO series (dataset_id, event_name) VALUES (?, ?)

-- name: series
SELECT dataset_id, event_name FROM series

-- name: teach
INSERT OR IGNORE INTO learned_key (key, person) VALUES (?, ?)

-- name: drop_conversion
DELETE FROM conversion WHERE seq = ?

-- name: drop_contenders
DELETE FROM contender WHERE seq = ?

-- name: keep_conversion
INSERT INTO conversion (seq, window, action, touched_at, ad) VALUES (?, ?, ?, ?, ?)

-- name: keep_contender
INSERT INTO contender (seq, action, at, ad) VALUES (?, ?, ?, ?)

-- name: person_by_id
SELECT person FROM person WHERE id = ?

-- name: new_person
INSERT INTO person (id, keys) VALUES (?, ?)

-- name: name_person
UPDATE person SET id = coalesce(id, ?), keys = ? WHERE person = ?

-- name: own_key
INSERT OR IGNORE INTO person_key (key, person) VALUES (?, ?)

-- name: ad
SELECT ad FROM ad WHERE ad_id = ? AND adset_id = ? AND campaign_id = ? AND account_id = ?

-- name: new_ad
INSERT INTO ad (ad_id, adset_id, campaign_id, account_id) VALUES (?, ?, ?, ?)

-- name: keep_name
INSERT INTO name (kind, id, name, seen_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at
  WHERE excluded.seen_at >= name.seen_at

-- name: keep_touch
INSERT OR IGNORE INTO touch (person, action, at, ad) VALUES (?, ?, ?, ?)

-- name: keep_click
INSERT INTO click (key, person, at, ad) VALUES (?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET
    person = CASE WHEN person IS excluded.person THEN person ELSE NULL END

-- name: note_refused
INSERT INTO refused (day, path, reason, calls) VALUES (?, ?, ?, 1)
  ON CONFLICT (day, path, reason) DO UPDATE SET calls = calls + 1

-- name: people_known
SELECT count(*) FROM person

-- name: items
SELECT e.*, p.id AS person_id, j.id AS joint_id, c.window, a.ad_id, a.adset_id, a.campaign_id
FROM event AS e
LEFT JOIN person AS p ON p.person = e.person
LEFT JOIN person AS j ON j.person = e.joint
LEFT JOIN conversion AS c ON c.seq = e.seq
LEFT JOIN ad AS a ON a.ad = c.ad
WHERE e.seq > ? ORDER BY e.seq LIMIT ?

-- name: items_of_mark
SELECT e.*, p.id AS person_id, j.id AS joint_id, c.window, a.ad_id, a.adset_id, a.campaign_id
FROM trail AS t
JOIN event AS e ON e.seq = t.seq
LEFT JOIN person AS p ON p.person = e.person
LEFT JOIN person AS j ON j.person = e.joint
LEFT JOIN conversion AS c ON c.seq = e.seq
LEFT JOIN ad AS a ON a.ad = c.ad
WHERE t.mark = ? AND t.seq > ? ORDER BY t.seq LIMIT ?

-- name: root
WITH RECURSIVE up (seq, twin) AS (
  SELECT seq, twin FROM event WHERE seq = ?
  UNION SELECT e.seq, e.twin FROM up JOIN event AS e ON e.seq = up.twin
) SELECT seq FROM up WHERE twin IS NULL

-- name: conversions
SELECT e.seq, e.dataset_id, e.event_name, e.event_id, e.order_id, e.event_time, c.touched_at,
  c.window, c.action, a.account_id, a.campaign_id, a.adset_id, a.ad_id,
  nc.name, ns.name, na.name, e.value, e.currency
FROM conversion AS c
JOIN event AS e ON e.seq = c.seq
JOIN ad AS a ON a.ad = c.ad
LEFT JOIN name AS nc ON nc.kind = 'campaign' AND nc.id = a.campaign_id
LEFT JOIN name AS ns ON ns.kind = 'adset' AND ns.id = a.adset_id
LEFT JOIN name AS na ON na.kind = 'ad' AND na.id = a.ad_id
WHERE e.event_time >= ? AND e.event_time < ? ORDER BY e.seq

-- name: matched_orders
SELECT dataset_id, order_id, max(joint IS NOT NULL AND NOT joint_merged) AS matched
FROM event WHERE order_id IS NOT NULL GROUP BY order_id, dataset_id

-- name: order_copies
-- Of each order, the Purchases that came of it: by browsers, by servers, removed as doubles.
SELECT dataset_id, order_id, SUM(browser) AS browser_copies, SUM(server) AS server_copies,
  SUM(absorbed) AS absorbed
FROM (
  SELECT MAX(dataset_id) AS dataset_id, MAX(order_id) AS order_id, SUM(source = 2) AS browser,
    SUM(source = 1) AS server, COUNT(*) - 1 AS absorbed
  FROM event WHERE event_name = 'Purchase' GROUP BY IFNULL(twin, seq)
)
WHERE order_id IS NOT NULL GROUP BY order_id, dataset_id ORDER BY order_id, dataset_id;

-- name: claims
-- The Purchases that are credited, in the shape that reports read them in.
SELECT e.event_id, e.order_id, a.campaign_id, a.adset_id, a.ad_id, a.account_id,
  nc.name AS campaign, ns.name AS adset, na.name AS ad, c.window,
  IFNULL(e.value, 0) AS value_minor, e.currency, e.event_time AS at, c.touched_at AS touch_at,
  e.dataset_id, e.seq
FROM conversion AS c
CROSS JOIN event AS e ON e.seq = c.seq
JOIN ad AS a ON a.ad = c.ad
LEFT JOIN name AS nc ON nc.kind = 'campaign' AND nc.id = a.campaign_id
LEFT JOIN name AS ns ON ns.kind = 'adset' AND ns.id = a.adset_id
LEFT JOIN name AS na ON na.kind = 'ad' AND na.id = a.ad_id
WHERE e.event_name = 'Purchase';

-- name: tested
SELECT e.*, p.id AS person_id, j.id AS joint_id, c.window, a.ad_id, a.adset_id, a.campaign_id
FROM event AS e
LEFT JOIN person AS p ON p.person = e.person
LEFT JOIN person AS j ON j.person = e.joint
LEFT JOIN conversion AS c ON c.seq = e.seq
LEFT JOIN ad AS a ON a.ad = c.ad
WHERE e.test_event_code = ? AND e.seq > ? ORDER BY e.seq LIMIT ?

-- name: candidates
SELECT e.seq, e.event_name, e.event_time, e.value, e.currency, n.at, n.action, n.ad
FROM contender AS n
JOIN event AS e ON e.seq = n.seq
WHERE e.event_time >= ? AND e.event_time < ? AND e.twin IS NULL ORDER BY e.seq

-- name: ads
SELECT a.ad, a.account_id, a.campaign_id, a.adset_id, a.ad_id,
  nt.name, nc.name, ns.name, na.name
FROM ad AS a
LEFT JOIN name AS nt ON nt.kind = 'account' AND nt.id = a.account_id
LEFT JOIN name AS nc ON nc.kind = 'campaign' AND nc.id = a.campaign_id
LEFT JOIN name AS ns ON ns.kind = 'adset' AND ns.id = a.adset_id
LEFT JOIN name AS na ON na.kind = 'ad' AND na.id = a.ad_id

-- name: touch_counts
SELECT ad, action, at / 86400, count(*) FROM touch WHERE at >= ? AND at < ? GROUP BY 1, 2, 3

-- name: tallies
-- Who is received within the window of its first twin (48 hours) is found by that one's time.
SELECT event_name, source, mask, traits, event_id IS NOT NULL, twin IS NOT NULL,
  person IS NOT NULL AND NOT merged,
  joint IS NOT NULL AND NOT joint_merged, joint IS NOT NULL, received_at - event_time > 3600,
  CAST(received_at / 3600 AS INTEGER) * 3600, unusable != '',
  CASE WHEN twin IS NULL
    THEN (SELECT t.joined_by FROM event AS t WHERE t.twin = e.seq AND t.source != e.source LIMIT 1)
    ELSE (SELECT e.joined_by FROM event AS r WHERE r.seq = e.twin AND r.source != e.source)
  END, count(*)
FROM event AS e
WHERE dataset_id = :dataset AND opened_at >= :since - 172800 AND opened_at < :until
  AND received_at >= :since AND received_at < :until
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13

-- name: keep_call
INSERT INTO call (at, method, path, status, events, refused, test_event_code, answer, box)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: calls
SELECT at, method, path, status, events, refused, test_event_code, answer, box, id
FROM call WHERE id > ? ORDER BY id LIMIT ?

-- name: refusals
SELECT day, path, reason, calls FROM refused ORDER BY day, path, reason

-- name: drop_calls
DELETE FROM call WHERE id <= ?

-- name: newest
SELECT coalesce((SELECT max(seq) FROM event), 0), coalesce((SELECT max(id) FROM call), 0)

-- name: prune_calls
DELETE FROM call WHERE at < ? OR id <= (SELECT max(id) FROM call) - ?

-- name: counting
SELECT seq FROM event WHERE seq > ? AND twin IS NULL ORDER BY seq LIMIT ?

-- name: marked
SELECT seq FROM trail WHERE mark IN (SELECT value FROM json_each(?))

-- name: group
WITH RECURSIVE taken (seq) AS (
  SELECT ? UNION SELECT e.seq FROM taken JOIN event AS e ON e.twin = taken.seq
)
SELECT e.*, p.id AS person_id, j.id AS joint_id, c.window, a.ad_id, a.adset_id, a.campaign_id
FROM taken
JOIN event AS e ON e.seq = taken.seq
LEFT JOIN person AS p ON p.person = e.person
LEFT JOIN person AS j ON j.person = e.joint
LEFT JOIN conversion AS c ON c.seq = e.seq
LEFT JOIN ad AS a ON a.ad = c.ad
ORDER BY e.seq

-- name: first_event_within
-- The first receipt of the oldest of so many events.
SELECT opened_at FROM event WHERE seq > (SELECT max(seq) FROM event) - ? ORDER BY seq LIMIT 1

-- name: oldest_events
-- Whole groups of twins: all that share a first receipt go together; the newest stays, whose
-- number the next ones follow.
SELECT * FROM event
WHERE opened_at < (SELECT opened_at FROM event ORDER BY seq DESC LIMIT 1)
  AND opened_at <= (SELECT max(opened_at) FROM
    (SELECT opened_at FROM event WHERE opened_at < ? ORDER BY opened_at LIMIT ?))

-- name: forget_event
DELETE FROM event WHERE seq = ?

-- name: forget_mark
DELETE FROM trail WHERE mark = ? AND seq = ?

-- name: first_touch_within
SELECT at FROM touch ORDER BY at LIMIT 1 OFFSET max(0, (SELECT count(*) FROM touch) - ?)

-- name: prune_touches
DELETE FROM touch WHERE (person, action, at, ad) IN
  (SELECT person, action, at, ad FROM touch WHERE at < ? ORDER BY at LIMIT ?)

-- name: prune_clicks
DELETE FROM click WHERE key IN (SELECT key FROM click WHERE at < ? ORDER BY at LIMIT ?)

-- name: prune_refusals
DELETE FROM refused WHERE day < ?

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'

-- name: keep_seen
INSERT INTO seen (dataset_id, kind, hour, source, value, events) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (dataset_id, kind, hour, source, value) DO UPDATE SET
    events = events + excluded.events

-- name: seen
SELECT hour, source, value, events FROM seen
WHERE dataset_id = ? AND kind = ? AND hour > ? - 3600 AND hour < ?

-- name: prune_seen
DELETE FROM seen WHERE hour < ?

-- name: keep_spend
INSERT INTO spend (day, ad, currency, amount) VALUES (?, ?, ?, ?)
  ON CONFLICT (day, ad) DO UPDATE SET currency = excluded.currency, amount = excluded.amount

-- name: spend
SELECT ad, day, currency, amount FROM spend WHERE day >= ? AND day < ?

-- name: prune_spend
DELETE FROM spend WHERE day < ?

-- name: reach
-- Accounts with a touch, by the row of Insights that the ad and the time fall into. The touches
-- are gone through once: CROSS JOIN keeps the order, and only a typed column can be looked up.
WITH groups (ad, row) AS MATERIALIZED (
  SELECT CAST(value ->> 0 AS INTEGER), value ->> 1 FROM json_each(:groups)
), periods (begins, ends) AS MATERIALIZED (
  SELECT value ->> 0, value ->> 1 FROM json_each(:periods)
)
SELECT g.row, p.begins, count(DISTINCT t.person)
FROM periods AS p
CROSS JOIN touch AS t ON t.at >= p.begins AND t.at < p.ends
CROSS JOIN groups AS g ON g.ad = t.ad
GROUP BY 1, 2
