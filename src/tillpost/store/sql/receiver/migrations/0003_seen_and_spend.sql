-- Where events came from, counted by the hour of receipt: hosts, pages, devices. Statistics
-- reach back a week, and so does this.
CREATE TABLE seen (
  dataset_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  hour INTEGER NOT NULL,
  source INTEGER NOT NULL,
  value TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, kind, hour, source, value)
) WITHOUT ROWID;

CREATE INDEX seen_hour ON seen (hour);

-- What an ad cost on a day, in minor units of its account's currency.
CREATE TABLE spend (
  day INTEGER NOT NULL,
  ad INTEGER NOT NULL,
  currency TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (day, ad)
) WITHOUT ROWID;
