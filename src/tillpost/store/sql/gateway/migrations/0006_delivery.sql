-- Every move of an event, with its reason. Triggers write them, so that no statement can move
-- an event and forget to say so; and nothing changes a row that is written.
CREATE TABLE transitions (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL,
    destination TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    detail TEXT
);
CREATE INDEX transitions_event ON transitions (event);

CREATE TRIGGER outbox_begins AFTER INSERT ON outbox BEGIN
    INSERT INTO transitions (event, destination, at, state, reason, detail)
    VALUES (NEW.event, NEW.destination, NEW.updated_at, NEW.state, NEW.reason, NEW.detail);
END;

CREATE TRIGGER outbox_moves AFTER UPDATE OF state, reason ON outbox
WHEN NEW.state <> OLD.state OR NEW.reason IS NOT OLD.reason BEGIN
    INSERT INTO transitions (event, destination, at, state, reason, detail)
    VALUES (NEW.event, NEW.destination, NEW.updated_at, NEW.state, NEW.reason, NEW.detail);
END;

CREATE TRIGGER transitions_stand BEFORE UPDATE ON transitions BEGIN
    SELECT RAISE(ABORT, 'a transition is never changed');
END;

INSERT INTO transitions (event, destination, at, state, reason, detail)
SELECT event, destination, updated_at, state, reason, detail FROM outbox ORDER BY event;

-- What was built for a destination, in a sealed box: the same bytes go in every attempt.
CREATE TABLE payloads (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL,
    destination TEXT NOT NULL,
    sealed BLOB NOT NULL,
    UNIQUE (event, destination)
);

-- An event that is changed after it was built, as erasure does, leaves no payload behind.
CREATE TRIGGER payloads_follow AFTER UPDATE OF event ON events BEGIN
    DELETE FROM payloads WHERE event = NEW.id;
END;

-- Unix seconds after which the event can no longer be sent: the most urgent go first.
ALTER TABLE outbox ADD COLUMN deadline REAL NOT NULL DEFAULT 9e15;
UPDATE outbox SET deadline =
    (SELECT e.event_time + 7 * 86400 FROM events AS e WHERE e.id = outbox.event)
WHERE state IN ('held', 'pending', 'leased', 'in_doubt', 'paused');
CREATE INDEX outbox_urgent ON outbox (destination, deadline)
WHERE state IN ('pending', 'in_doubt', 'paused');
CREATE INDEX outbox_letters ON outbox (event)
WHERE state IN ('dead', 'expired') OR (state = 'dropped' AND reason = 'late_twin');
