-- What others may read with SQL: without keys that name a person, click ids or sealed boxes.
-- The comments become docs/reference/views.md. Times are UTC text, money integer minor units.
CREATE VIEW view_orders AS
-- Every order the shop told of, as it stands.
SELECT
    o.shop AS shop, -- name of the shop in the settings
    o.order_id AS order_id, -- the shop system's own id
    o.name AS name, -- the number that people see
    strftime('%Y-%m-%dT%H:%M:%SZ', o.at, 'unixepoch') AS placed_at, -- when it was placed
    o.kind AS kind, -- web, pos, draft, renewal and the like
    o.eligible AS counts, -- 1 if the shop's policy counts it
    o.reason AS reason, -- why the policy does not count it
    o.currency AS currency, -- of all amounts but the presentment's
    o.value_minor AS value_minor, -- the shop's total
    CASE WHEN o.cancelled_at IS NULL THEN IFNULL((
        SELECT SUM(r.amount_minor) FROM refunds AS r
        WHERE r.shop = o.shop AND r.order_id = o.order_id AND r.currency = o.currency
    ), 0) ELSE o.value_minor END AS given_back_minor, -- refunds; all of it if it was cancelled
    o.presentment_currency AS presentment_currency, -- the currency the buyer saw
    o.presentment_minor AS presentment_minor, -- the total the buyer saw
    o.is_returning AS is_returning, -- what the shop says: 1 bought before, 0 not, NULL unknown
    strftime('%Y-%m-%dT%H:%M:%SZ', o.cancelled_at, 'unixepoch') AS cancelled_at, -- when, if it was
    o.browser AS browser, -- 1 if the browser told of it
    o.server AS server -- 1 if the shop's server told of it
FROM orders AS o;

CREATE VIEW view_refunds AS
-- Every refund, on its own day.
SELECT
    r.shop AS shop, -- name of the shop in the settings
    r.refund_id AS refund_id, -- the shop system's own id
    r.order_id AS order_id, -- of view_orders
    strftime('%Y-%m-%dT%H:%M:%SZ', r.at, 'unixepoch') AS refunded_at, -- when
    r.currency AS currency, -- of the amount
    r.amount_minor AS amount_minor -- what was given back
FROM refunds AS r;

CREATE VIEW view_touches AS
-- Every landing that brought a visitor, under today's rules.
SELECT
    t.id AS touch_id, -- counts up as landings arrive
    t.shop AS shop, -- name of the shop in the settings
    t.visitor_id AS visitor_id, -- the browser; order:ID and coupon:ID are what an order carried
    strftime('%Y-%m-%dT%H:%M:%SZ', t.at, 'unixepoch') AS landed_at, -- when
    t.channel AS channel, -- what the channel rules say
    t.direct AS direct, -- 1 if nothing tells where from
    t.paid AS paid, -- 1 if it was paid for
    t.source AS source, -- utm_source, or what stands for it
    t.medium AS medium, -- utm_medium, or what stands for it
    t.campaign AS campaign, -- utm_campaign as written
    t.term AS term, -- utm_term as written
    t.content AS content, -- utm_content as written
    t.campaign_id AS campaign_id, -- the platform's id
    t.adset_id AS adset_id, -- the platform's id
    t.ad_id AS ad_id, -- the platform's id
    t.click_kind AS click_kind, -- which click id was there, without it
    t.referrer_host AS referrer_host, -- the page before
    t.landing_path AS landing_path, -- the first page
    t.flags AS flags -- what was repaired in the tags, apart by blanks
FROM touches AS t
WHERE t.dropped = 0;

CREATE VIEW view_spend AS
-- What the ads cost a day, and what their platform claims.
SELECT
    s.shop AS shop, -- name of the shop in the settings
    s.platform AS platform, -- meta, google, tiktok and the like
    s.account_id AS account_id, -- the ad account
    s.day AS day, -- of the ad account's time zone
    s.campaign_id AS campaign_id, -- empty if it was not told, as all below
    s.campaign AS campaign, -- its name that day
    s.adset_id AS adset_id, -- the platform's id
    s.adset AS adset, -- its name that day
    s.ad_id AS ad_id, -- the platform's id
    s.ad AS ad, -- its name that day
    s.currency AS currency, -- of the ad account
    s.spend_minor AS spend_minor, -- what was spent
    s.impressions AS impressions, -- how often it was shown
    s.clicks AS clicks, -- how often it was clicked
    s.claims_micro AS claimed_micro, -- conversions the platform claims, in millionths; NULL not told
    s.claims_minor AS claimed_minor -- the value it claims for them; NULL not told
FROM spend AS s;

CREATE VIEW view_events AS
-- Every event with each destination it goes to.
SELECT
    e.id AS event, -- counts up as events arrive
    e.shop AS shop, -- name of the shop in the settings
    e.source AS source, -- who told of it first
    e.event_name AS event_name, -- Purchase, AddToCart and the like
    e.event_id AS event_id, -- what platforms deduplicate by
    strftime('%Y-%m-%dT%H:%M:%SZ', e.event_time, 'unixepoch') AS happened_at, -- when
    strftime('%Y-%m-%dT%H:%M:%SZ', e.received_at, 'unixepoch') AS received_at, -- when we were told
    e.order_id AS order_id, -- of view_orders, if it is an order's
    d.destination AS destination, -- NULL if it goes nowhere
    d.state AS state, -- where it stands, as in outcomes.md
    d.reason AS reason, -- why, as in outcomes.md
    d.attempts AS attempts, -- how often it was sent
    strftime('%Y-%m-%dT%H:%M:%SZ', d.updated_at, 'unixepoch') AS moved_at -- when that was last so
FROM events AS e
LEFT JOIN outbox AS d ON d.event = e.id;
