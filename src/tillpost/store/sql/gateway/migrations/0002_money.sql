-- What a platform claims for what was spent: millionths of conversions, and minor units of the
-- spend's currency. NULL is not told, which is not zero.
ALTER TABLE spend ADD COLUMN claims_micro INTEGER;
ALTER TABLE spend ADD COLUMN claims_minor INTEGER;

-- On that day one unit of `currency` bought `rate` units of `quote`; a decimal as text, exact.
CREATE TABLE rates (
    day TEXT NOT NULL,
    currency TEXT NOT NULL,
    quote TEXT NOT NULL,
    rate TEXT NOT NULL,
    PRIMARY KEY (day, currency, quote)
) WITHOUT ROWID;
