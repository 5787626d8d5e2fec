-- Which labels are one for the participation model: those of a channel, or of a campaign.
SELECT b.label,
    DENSE_RANK() OVER (ORDER BY CASE p.part WHEN 'channel' THEN b.channel ELSE k.campaign_key END)
        AS part
FROM labels b
JOIN label_keys k ON k.label = b.label
CROSS JOIN params p
