-- Parquet files that hold the facts of reports, oldest first; of two versions of a fact the one in
-- the later file counts, and what `fresh` names counts as it stands in this database.
CREATE TABLE segments (
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    file TEXT NOT NULL,
    facts INTEGER NOT NULL,
    PRIMARY KEY (number, kind)
) WITHOUT ROWID;

-- What has changed since the last segment: an order with its keys and refunds, all visitors of a
-- link, or a touch. New touches are those numbered above `progress` 'segments'. What is
-- erased is named here only until the files are rewritten.
CREATE TABLE fresh (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    grain TEXT NOT NULL,
    shop TEXT NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL DEFAULT ''
);

CREATE TRIGGER fresh_order AFTER INSERT ON orders BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('order', NEW.shop, NEW.order_id);
END;
CREATE TRIGGER fresh_order_changed AFTER UPDATE ON orders BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('order', NEW.shop, NEW.order_id);
END;
CREATE TRIGGER fresh_order_gone AFTER DELETE ON orders BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('order', OLD.shop, OLD.order_id);
END;
CREATE TRIGGER fresh_key_gone AFTER DELETE ON order_keys BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('order', OLD.shop, OLD.order_id);
END;
CREATE TRIGGER fresh_refund AFTER INSERT ON refunds BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('order', NEW.shop, NEW.order_id);
END;
CREATE TRIGGER fresh_refund_gone AFTER DELETE ON refunds BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('order', OLD.shop, OLD.order_id);
END;
CREATE TRIGGER fresh_link AFTER INSERT ON links BEGIN
    INSERT INTO fresh (grain, shop, a, b) VALUES ('link', NEW.shop, NEW.kind, NEW.value);
END;
CREATE TRIGGER fresh_link_changed AFTER UPDATE ON links
WHEN NEW.at <> OLD.at OR NEW.visitor_id <> OLD.visitor_id BEGIN
    INSERT INTO fresh (grain, shop, a, b) VALUES ('link', NEW.shop, NEW.kind, NEW.value);
END;
CREATE TRIGGER fresh_link_gone AFTER DELETE ON links BEGIN
    INSERT INTO fresh (grain, shop, a, b) VALUES ('link', OLD.shop, OLD.kind, OLD.value);
END;
CREATE TRIGGER fresh_touch_changed AFTER UPDATE ON touches BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('touch', NEW.shop, NEW.id);
END;
CREATE TRIGGER fresh_touch_gone AFTER DELETE ON touches BEGIN
    INSERT INTO fresh (grain, shop, a) VALUES ('touch', OLD.shop, OLD.id);
END;
