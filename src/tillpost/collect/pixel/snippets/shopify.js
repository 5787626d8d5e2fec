// Tillpost: Shopify admin, Settings > Customer events > Add custom pixel. Paste, Save, then Connect.
// Permission: Required (Marketing, Analytics). Data sale: qualifies as data sale.
const tillpost = {{config}};
{{pixel}}
