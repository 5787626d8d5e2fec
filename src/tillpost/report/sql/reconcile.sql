-- One row a listed order, with the first reason why platform and shop differ about it. What came
-- of an order that the platform has not told of is what its delivery tells; of one that it took
-- and told nothing of, nothing is known. A click of the last 7 days lies within the window that
-- platforms have unless they are told otherwise.
SELECT e.*, CASE
        WHEN e.eligible = 0 AND e.reason = 'awaiting_payment' THEN 'AWAITING_PAYMENT'
        WHEN e.eligible = 0 THEN 'ORDER_TYPE_EXCLUDED'
        WHEN e.cancelled = 1 OR e.given_back = 1 THEN 'REFUNDED'
        WHEN e.window_name IS NULL AND e.received = 0 THEN CASE
            WHEN e.state IS NULL THEN 'NO_DESTINATION'
            WHEN e.state = 'delivered' THEN 'NOT_TOLD'
            WHEN e.state IN ('dead', 'expired') THEN 'DELIVERY_FAILED'
            WHEN e.state <> 'dropped' THEN 'WAITING'
            WHEN e.why IN (
                'consent_denied', 'consent_unknown', 'no_match_keys', 'native', 'shadow',
                'reports_only'
            ) THEN UPPER(e.why)
            ELSE 'NOT_SENT'
        END
        WHEN e.window_name IS NULL AND e.matched = 0 THEN 'UNMATCHED_IDENTITY'
        WHEN e.window_name IS NULL AND e.by_platform = 0 THEN 'AGREED_NOT_THE_PLATFORMS'
        WHEN e.window_name IS NULL AND e.age > 7 * 86400 THEN 'OUT_OF_WINDOW'
        WHEN e.window_name IS NULL THEN 'NOT_CREDITED'
        WHEN e.doubles > 0 THEN 'DUPLICATE'
        WHEN e.by_platform = 0 AND e.window_name LIKE '%view%' THEN 'VIEW_ONLY'
        WHEN COALESCE(e.channel, 'Unknown') = 'Unknown' THEN 'NO_TOUCH'
        WHEN e.by_platform = 0 THEN 'OTHER_CHANNEL_LAST'
        WHEN e.claimed_basis IS NULL THEN 'VALUE_DIFFERS'
        WHEN e.claimed_basis NOT IN ('total', 'less_refunds') THEN 'VALUE_BASIS'
        WHEN e.claimed_basis = 'total' AND e.refunded_minor > 0 THEN 'PARTLY_REFUNDED'
        WHEN e.days <> 0 AND e.own_days = 0 THEN 'TZ_SHIFT'
        WHEN e.days <> 0 THEN 'DAY_SHIFT'
        ELSE 'AGREED'
    END AS reason_code
FROM standing e
