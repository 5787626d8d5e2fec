-- name: users
SELECT name, role, shop, made_at, seen_at FROM users ORDER BY name;

-- name: password
SELECT name, role, shop, made_at, seen_at, password FROM users WHERE name = ?;

-- name: add_user
INSERT INTO users (name, role, shop, password, made_at) VALUES (?, ?, ?, ?, ?);

-- name: set_password
UPDATE users SET password = ? WHERE name = ?;

-- name: remove_user
-- The last owner stays, or nobody could let anybody in.
DELETE FROM users WHERE name = ?1 AND (role <> 'owner' OR EXISTS (
    SELECT 1 FROM users AS o WHERE o.role = 'owner' AND o.name <> ?1
));

-- name: user_seen
UPDATE users SET seen_at = ? WHERE name = ?;

-- name: links
SELECT id, shop, label, made_by, made_at, seen_at FROM links ORDER BY id;

-- name: link
SELECT id, shop, label, made_by, made_at, seen_at FROM links WHERE hash = ?;

-- name: add_link
INSERT INTO links (shop, label, hash, made_by, made_at) VALUES (?, ?, ?, ?, ?);

-- name: remove_link
DELETE FROM links WHERE id = ?;

-- name: link_seen
UPDATE links SET seen_at = ? WHERE id = ?;

-- name: last_hash
SELECT hash FROM audit ORDER BY id DESC LIMIT 1;

-- name: add_audit
INSERT INTO audit (at, who, what, shop, detail, hash) VALUES (?, ?, ?, ?, ?, ?);

-- name: audit
SELECT id, at, who, what, shop, detail, hash FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?;

-- name: audit_chain
SELECT id, at, who, what, shop, detail, hash FROM audit ORDER BY id;

-- name: sessions
SELECT hash, name, role, shop, until FROM sessions WHERE until > ? ORDER BY until;

-- name: add_session
INSERT OR REPLACE INTO sessions (hash, name, role, shop, until) VALUES (?, ?, ?, ?, ?);

-- name: remove_session
DELETE FROM sessions WHERE hash = ?;

-- name: forget_sessions
DELETE FROM sessions WHERE until <= ?;
