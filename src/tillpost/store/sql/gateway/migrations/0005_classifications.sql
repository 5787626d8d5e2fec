-- What was repaired or is doubtful about a landing's tags, apart by blanks.
ALTER TABLE touches ADD COLUMN flags TEXT NOT NULL DEFAULT '';
-- 1: under today's rules the landing is no touch; other rules may make it one again.
ALTER TABLE touches ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX touches_rules ON touches (shop, rules);
CREATE INDEX touches_flagged ON touches (shop, at) WHERE flags <> '';

-- Campaign tags on links inside the shop: they bring nobody, and are counted to be mended.
CREATE TABLE slips (
    shop TEXT NOT NULL,
    day TEXT NOT NULL,
    source TEXT NOT NULL,
    medium TEXT NOT NULL,
    campaign TEXT NOT NULL,
    landing_path TEXT NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (shop, day, source, medium, campaign, landing_path)
) WITHOUT ROWID;

-- How a landing was classified before, as JSON without anything that tells whose it was. What
-- happened (address, referrer, time, visitor) never changes, only what it is called.
CREATE TABLE past_touches (
    touch INTEGER NOT NULL,
    rules INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    told BLOB NOT NULL,
    PRIMARY KEY (touch, rules)
) WITHOUT ROWID;
