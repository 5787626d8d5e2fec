-- Another id under which the sender of an order tells the same sale.
ALTER TABLE orders ADD COLUMN also TEXT;
CREATE INDEX orders_also ON orders (shop, also) WHERE also IS NOT NULL;
