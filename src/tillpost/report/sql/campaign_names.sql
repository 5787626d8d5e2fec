-- Every name and id of a campaign that spend knows, over all time, to find its one key:
-- the id, else the name. A name of several ids stands for none of them.
SELECT LOWER(campaign) AS name, MAX(campaign_id) AS campaign_id
FROM spend
WHERE campaign_id <> '' AND campaign <> ''
GROUP BY LOWER(campaign)
HAVING COUNT(DISTINCT campaign_id) = 1
