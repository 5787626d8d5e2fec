-- Whose browser an event is of: a later answer about consent finds what waits for it.
ALTER TABLE events ADD COLUMN visitor_id TEXT;
CREATE INDEX events_waiting ON events (shop, visitor_id)
WHERE hold_until IS NOT NULL AND visitor_id IS NOT NULL;

-- A browser's Purchase without a checkout finds the order of its visitor.
CREATE INDEX links_orders ON links (shop, visitor_id) WHERE kind = 'order';
