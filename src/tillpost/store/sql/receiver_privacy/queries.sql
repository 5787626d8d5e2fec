-- Finding and forgetting one person at the platform's side. Keys are blobs of 17 bytes.

-- name: events_holding
SELECT seq FROM event
WHERE dataset_id IN (SELECT value FROM json_each(:datasets))
    AND (instr(keys, :key) > 0 OR instr(held, :key) > 0);

-- name: event
SELECT * FROM event WHERE seq = ?;

-- name: owners
SELECT person FROM person_key WHERE key = ?;

-- name: forget_event
UPDATE event SET event_id = 'erased.' || seq, keys = x'', held = x'', matched_by = '', joint_by = ''
WHERE seq = ?;

-- name: keep_keys
UPDATE event SET keys = :keys, held = :held WHERE seq = :seq;

-- name: forget_mark
DELETE FROM trail WHERE mark = ? AND seq = ?;

-- name: forget_person
-- The number stays, for it must not become somebody else's.
UPDATE person SET id = NULL, keys = x'' WHERE person = ?;

-- name: forget_person_keys
DELETE FROM person_key WHERE person = ?;

-- name: forget_learned
DELETE FROM learned_key WHERE person = ?;

-- name: forget_key
DELETE FROM learned_key WHERE key = ?;

-- name: forget_clicks
DELETE FROM click WHERE person = ?;

-- name: forget_click
DELETE FROM click WHERE key = ?;

-- name: calls
SELECT id, box FROM call;

-- name: forget_call
DELETE FROM call WHERE id = ?;

-- name: forget_conversions
DELETE FROM conversion WHERE seq IN (
    SELECT seq FROM event WHERE dataset_id IN (SELECT value FROM json_each(?))
);

-- name: forget_contenders
DELETE FROM contender WHERE seq IN (
    SELECT seq FROM event WHERE dataset_id IN (SELECT value FROM json_each(?))
);

-- name: forget_trail
DELETE FROM trail WHERE seq IN (
    SELECT seq FROM event WHERE dataset_id IN (SELECT value FROM json_each(?))
);

-- name: forget_seen
DELETE FROM seen WHERE dataset_id IN (SELECT value FROM json_each(?));

-- name: forget_events
DELETE FROM event WHERE dataset_id IN (SELECT value FROM json_each(?));
