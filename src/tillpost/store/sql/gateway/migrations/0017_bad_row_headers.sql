-- What a body is stands in its headers: without them it cannot be read again.
ALTER TABLE bad_rows ADD COLUMN headers TEXT NOT NULL DEFAULT '';
