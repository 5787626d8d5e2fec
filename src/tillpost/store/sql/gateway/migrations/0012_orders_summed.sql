-- What pages sum up of a shop's orders in a period is read from here alone, not from the orders,
-- whose facts are long.
DROP INDEX orders_at;
CREATE INDEX orders_at ON orders (
    shop, at, order_id, eligible, reason, kind, currency, value_minor, browser, server, cancelled_at
);

-- An order by the number that people know, and what was given back for it.
CREATE INDEX orders_name ON orders (shop, name);
CREATE INDEX refunds_order ON refunds (shop, order_id, currency, amount_minor);

-- Purchases that no order has come for.
CREATE INDEX events_unconfirmed ON events (shop, event_time)
WHERE event_name = 'Purchase' AND source = 'pixel' AND order_id IS NULL;
