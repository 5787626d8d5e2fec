-- What an order's total is made of, in the buyer's money: by it a platform's other value is told.
-- Of orders that were stored before, nothing is known until the shop reports them again.
ALTER TABLE orders ADD COLUMN subtotal_minor INTEGER;
ALTER TABLE orders ADD COLUMN tax_minor INTEGER;
ALTER TABLE orders ADD COLUMN shipping_minor INTEGER;

-- Segments have these columns too: they are written anew.
DELETE FROM segments;
DELETE FROM progress WHERE name = 'segments';
