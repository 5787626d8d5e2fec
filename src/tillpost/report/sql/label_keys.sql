-- The campaign that a label stands for: the platform's id, found by name where only a name is known.
SELECT b.label, COALESCE(b.campaign_id, n.campaign_id) AS campaign_id,
    COALESCE(b.campaign_id, n.campaign_id, LOWER(b.campaign), '') AS campaign_key
FROM labels b
LEFT JOIN campaign_names n ON n.name = LOWER(b.campaign)
