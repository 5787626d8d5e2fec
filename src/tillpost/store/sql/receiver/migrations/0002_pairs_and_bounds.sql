-- What joined a duplicate to the event that counts: event_id, external_id or fbp.
ALTER TABLE event ADD COLUMN joined_by TEXT;

-- From an event that counts to those it took in; most of them are recent, so that it grows at its end.
CREATE INDEX event_twin ON event (twin) WHERE twin IS NOT NULL;

-- By age: what is pruned first, and what Insights count.
CREATE INDEX event_opened ON event (opened_at);
CREATE INDEX touch_at ON touch (at, ad, action);
CREATE INDEX click_at ON click (at);
