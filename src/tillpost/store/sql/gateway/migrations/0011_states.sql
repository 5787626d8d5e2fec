-- An event on its way stands in `outbox_leased` alone: a lease must not cost more than it tells.
DROP INDEX outbox_states;
CREATE INDEX outbox_states ON outbox (shop, destination, state, reason) WHERE state <> 'leased';
