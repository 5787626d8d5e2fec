"""Meta's Conversions API in tables: every key, event, code and limit that the field has a name for.

Each table says where it was read: `D` Meta's own documentation, `O` seen at the live
endpoint by others, `S` the source of Meta's SDKs, `I` our inference. Nothing here decides;
`core.refusals` and the `core.hints_*` modules do.
"""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

Hashing: TypeAlias = Literal["required", "recommended", "never"]


class UserKey(Struct, frozen=True):
    """One key of `user_data`: how it is hashed, whether it may be a list, what it holds.

    `judged_as` names the documented key whose breadth it shares, where it is a part of one.
    """

    name: str
    hashing: Hashing
    many: bool
    holds: str
    judged_as: str = ""
    evidence: str = "D"


class StandardEvent(Struct, frozen=True):
    """A standard event: its name, the parameters it must have, and those it may have."""

    name: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    evidence: str = "D"


class Parameter(Struct, frozen=True):
    """One documented field of an object: its type in words, and what it means."""

    name: str
    type: str
    note: str = ""
    evidence: str = "D"


BROAD_SETS: Final = (
    ("ct", "country", "st", "zp", "ge", "client_user_agent"),
    ("db", "client_user_agent"),
    ("fn", "ge"),
    ("ln", "ge"),
)
"""Keys too broad to match with, alone or together (Meta, best practices, since Graph v13)."""

USER_KEYS: Final = (
    UserKey("em", "required", True, "e-mail address, trimmed, lower case"),
    UserKey("ph", "required", True, "phone number with country code, digits only"),
    UserKey("fn", "required", True, "first name, lower case, no punctuation"),
    UserKey("ln", "required", True, "last name, lower case, no punctuation"),
    UserKey("db", "required", True, "date of birth, YYYYMMDD"),
    UserKey("ge", "required", True, "gender, f or m"),
    UserKey("ct", "required", True, "city, lower case, no spaces"),
    UserKey("st", "required", True, "state, two-letter code in the US"),
    UserKey("zp", "required", True, "postcode, no spaces, five digits in the US"),
    UserKey("country", "required", True, "ISO 3166-1 alpha-2, lower case"),
    UserKey("external_id", "recommended", True, "the advertiser's own id, one form everywhere"),
    UserKey("client_ip_address", "never", False, "IPv4 or IPv6 of the browser"),
    UserKey("client_user_agent", "never", False, "User-Agent of the browser"),
    UserKey("fbc", "never", False, "click id, fb.1.<ms>.<fbclid>"),
    UserKey("fbp", "never", False, "browser id, fb.1.<ms>.<random>"),
    UserKey("subscription_id", "never", False, "subscription id"),
    UserKey("fb_login_id", "never", False, "Facebook Login id of the app"),
    UserKey("lead_id", "never", False, "lead ad id, 15 to 17 digits"),
    UserKey("anon_id", "never", False, "install id, apps only"),
    UserKey("madid", "never", False, "mobile advertiser id, lower case with hyphens"),
    UserKey("page_id", "never", False, "Facebook Page, messaging"),
    UserKey("page_scoped_user_id", "never", False, "Messenger user, messaging"),
    UserKey("ctwa_clid", "never", False, "click-to-WhatsApp click id"),
    UserKey("whatsapp_business_account_id", "never", False, "WhatsApp account, with ctwa_clid"),
    UserKey("ig_account_id", "never", False, "Instagram account, messaging"),
    UserKey("instagram_business_account_id", "never", False, "Instagram account, messaging"),
    UserKey("ig_sid", "never", False, "Instagram user, messaging"),
    UserKey("partner_id", "never", False, "identity envelope of a partner", "", "O"),
    UserKey("f5first", "required", False, "first five letters of the first name", "fn", "S"),
    UserKey("f5last", "required", False, "first five letters of the last name", "ln", "S"),
    UserKey("fi", "required", False, "initial of the first name", "fn", "S"),
    UserKey("dobd", "required", False, "day of birth, DD", "db", "S"),
    UserKey("dobm", "required", False, "month of birth, MM", "db", "S"),
    UserKey("doby", "required", False, "year of birth, YYYY", "db", "S"),
)

USER_KEY: Final = {row.name: row for row in USER_KEYS}

USER_ALIASES: Final = {
    "email": "em",
    "emails": "em",
    "phone": "ph",
    "phones": "ph",
    "phone_number": "ph",
    "first_name": "fn",
    "last_name": "ln",
    "date_of_birth": "db",
    "dob": "db",
    "gender": "ge",
    "gen": "ge",
    "city": "ct",
    "state": "st",
    "zip": "zp",
    "zip_code": "zp",
    "postal_code": "zp",
    "country_code": "country",
    "externalid": "external_id",
    "user_id": "external_id",
    "ip": "client_ip_address",
    "ip_address": "client_ip_address",
    "user_agent": "client_user_agent",
    "ua": "client_user_agent",
    "_fbc": "fbc",
    "_fbp": "fbp",
    "fbclid": "fbc",
}
"""Names that senders use and Meta does not know, with the key that was meant (I)."""

SERVER_EVENT: Final = (
    Parameter("event_name", "string", "required; a standard or a custom name"),
    Parameter("event_time", "integer, Unix seconds", "required"),
    Parameter("user_data", "object", "required"),
    Parameter("action_source", "enum", "documented as required; see the action sources"),
    Parameter("event_source_url", "URL", "documented as required for website"),
    Parameter("event_id", "string", "needed to remove the browser's double"),
    Parameter("custom_data", "object", "required for Purchase"),
    Parameter("referrer_url", "URL", "the page's referrer"),
    Parameter("opt_out", "boolean", "attribution only, no delivery optimisation"),
    Parameter("data_processing_options", "array of strings", "[] or [LDU]"),
    Parameter("data_processing_options_country", "integer", "0 geolocate, 1 United States"),
    Parameter("data_processing_options_state", "integer", "0 geolocate, or a state's code"),
    Parameter("app_data", "object", "required for app"),
    Parameter("messaging_channel", "enum", "for business_messaging"),
    Parameter("original_event_data", "object", "links a delayed event to an earlier one"),
    Parameter("attribution_data", "object", "AppendAttribution and measurement partners"),
    Parameter("customer_segmentation", "enum", "new or existing customer"),
    Parameter("advanced_measurement_table", "string", "Advanced Analytics only", "S"),
)

SERVER_EVENT_NAMES: Final = frozenset(row.name for row in SERVER_EVENT)

REQUEST: Final = (
    Parameter("data", "array of 1 to 1000 events", "required"),
    Parameter("test_event_code", "string", "shows the events in the test tool; they still count"),
    Parameter("partner_agent", "string", "platform name, below 23 characters"),
    Parameter("namespace_id", "string", "scope of external ids", "S"),
    Parameter("upload_id", "string", "offline upload", "S"),
    Parameter("upload_tag", "string", "offline upload"),
    Parameter("upload_source", "string", "offline upload", "S"),
    Parameter("platforms", "array of objects", "name, type, version"),
    Parameter("progress", "object", "offline upload"),
    Parameter("trace", "integer", "", "S"),
    Parameter("access_token", "string", "if neither in the query nor a Bearer header"),
    Parameter("appsecret_proof", "string", "HMAC-SHA256 of the token under the app's secret"),
)

ACTION_SOURCES: Final = (
    "email",
    "website",
    "app",
    "phone_call",
    "chat",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
)

MESSAGING_CHANNELS: Final = {
    "messenger": ("page_id", "page_scoped_user_id"),
    "whatsapp": ("whatsapp_business_account_id", "ctwa_clid"),
    "instagram": ("instagram_business_account_id", "ig_sid"),
}
"""Messaging channel -> the `user_data` keys it is documented with."""

MESSAGING_EVENTS: Final = frozenset(
    {
        "Purchase",
        "LeadSubmitted",
        "InitiateCheckout",
        "AddToCart",
        "ViewContent",
        "OrderCreated",
        "OrderShipped",
        "OrderDelivered",
        "OrderCanceled",
        "OrderReturned",
        "CartAbandoned",
        "QualifiedLead",
        "RatingProvided",
        "ReviewProvided",
    }
)
"""The only names that `business_messaging` takes (D; one vendor found five of them live)."""

_CONTENT: Final = ("content_ids", "content_name", "content_type", "contents", "currency", "value")

STANDARD_EVENTS: Final = (
    StandardEvent(
        "AddPaymentInfo",
        (),
        ("content_category", "content_ids", "contents", "currency", "value"),
    ),
    StandardEvent("AddToCart", (), _CONTENT),
    StandardEvent(
        "AddToWishlist",
        (),
        ("content_category", "content_ids", "content_name", "contents", "currency", "value"),
    ),
    StandardEvent("CompleteRegistration", (), ("content_name", "currency", "status", "value")),
    StandardEvent("Contact"),
    StandardEvent("CustomizeProduct"),
    StandardEvent("Donate"),
    StandardEvent("FindLocation"),
    StandardEvent(
        "InitiateCheckout",
        (),
        ("content_category", "content_ids", "contents", "currency", "num_items", "value"),
    ),
    StandardEvent("Lead", (), ("content_category", "content_name", "currency", "value")),
    StandardEvent("PageView", (), (), "O"),
    StandardEvent(
        "Purchase",
        ("value", "currency"),
        ("content_ids", "content_name", "content_type", "contents", "num_items", "order_id"),
    ),
    StandardEvent("Schedule", (), (), "I"),
    StandardEvent(
        "Search",
        (),
        (
            "content_category",
            "content_ids",
            "content_type",
            "contents",
            "currency",
            "search_string",
            "value",
        ),
        "I",
    ),
    StandardEvent("StartTrial", (), ("currency", "predicted_ltv", "value"), "I"),
    StandardEvent("SubmitApplication", (), (), "I"),
    StandardEvent("Subscribe", (), ("currency", "predicted_ltv", "value"), "I"),
    StandardEvent("ViewContent", (), ("content_category", *_CONTENT), "I"),
)

STANDARD_EVENT: Final = {row.name: row for row in STANDARD_EVENTS}

OTHER_EVENTS: Final = frozenset({"AppendAttribution", "MobileAppInstall", "Other"})
"""Names with a meaning of their own to Meta that are no standard events (D)."""

CUSTOM_DATA: Final = (
    Parameter("value", "number", "required for Purchase"),
    Parameter("currency", "ISO 4217", "required for Purchase"),
    Parameter("contents", "array of objects", "each with an id"),
    Parameter("content_ids", "array of strings", "ids as in the catalogue"),
    Parameter("content_type", "enum", "product or product_group; verticals have their own"),
    Parameter("content_name", "string", "", "S"),
    Parameter("content_category", "string", "", "S"),
    Parameter("num_items", "integer", ""),
    Parameter("order_id", "string", ""),
    Parameter("item_number", "string", "offline: one line of an order"),
    Parameter("search_string", "string", "with Search"),
    Parameter("status", "string or boolean", "with CompleteRegistration", "S"),
    Parameter("predicted_ltv", "number", "with Subscribe and StartTrial"),
    Parameter("net_revenue", "number", "margin of the conversion"),
    Parameter("delivery_category", "enum", "in_store, curbside, home_delivery"),
    Parameter("customer_segmentation", "enum", "also taken beside custom_data"),
    Parameter("lead_event_source", "string", "Conversion Leads"),
    Parameter("event_source", "string", "Conversion Leads: crm"),
    Parameter("store_data", "object", "offline: store_page_id, brand_page_id, store_code"),
)

CUSTOM_DATA_NAMES: Final = frozenset(row.name for row in CUSTOM_DATA)

CONTENT_FIELDS: Final = (
    Parameter("id", "string", "required"),
    Parameter("quantity", "integer", ""),
    Parameter("item_price", "number", "per unit"),
    Parameter("delivery_category", "enum", ""),
    Parameter("title", "string", "", "S"),
    Parameter("description", "string", "", "S"),
    Parameter("brand", "string", "", "S"),
    Parameter("category", "string", "", "S"),
    Parameter("price", "number", "offline"),
)

CONTENT_FIELD_NAMES: Final = frozenset(row.name for row in CONTENT_FIELDS)

CONTENT_TYPES: Final = frozenset(
    {
        "product",
        "product_group",
        "destination",
        "flight",
        "home_listing",
        "hotel",
        "local_service_business",
        "location_based_item",
        "media_title",
        "offline_product",
        "vehicle",
        "vehicle_offer",
    }
)
"""`content_type` of shops and of the catalogue's verticals (D names the first nine kinds)."""

DELIVERY_CATEGORIES: Final = frozenset({"in_store", "curbside", "home_delivery"})

CUSTOMER_SEGMENTATIONS: Final = frozenset(
    {
        "new_customer_to_business",
        "new_customer_to_business_line",
        "new_customer_to_product_area",
        "new_customer_to_medium",
        "existing_customer_to_business",
        "existing_customer_to_business_line",
        "existing_customer_to_product_area",
        "existing_customer_to_medium",
        "customer_in_loyalty_program",
    }
)

EXTINFO: Final = (
    Parameter("version", "a2 or i2", "required"),
    Parameter("package", "string"),
    Parameter("short version", "string"),
    Parameter("long version", "string"),
    Parameter("OS version", "string", "required"),
    Parameter("device model", "string"),
    Parameter("locale", "string"),
    Parameter("timezone abbreviation", "string"),
    Parameter("carrier", "string"),
    Parameter("screen width", "string"),
    Parameter("screen height", "string"),
    Parameter("screen density", "string"),
    Parameter("CPU cores", "string"),
    Parameter("storage, GB", "string"),
    Parameter("free storage, GB", "string"),
    Parameter("device timezone", "string"),
)
"""The sixteen places of `app_data.extinfo`; an unknown one is an empty string."""

EXTINFO_VERSIONS: Final = frozenset({"a2", "i2"})

APP_DATA: Final = (
    Parameter("advertiser_tracking_enabled", "0 or 1", "required"),
    Parameter("application_tracking_enabled", "0 or 1"),
    Parameter("extinfo", "array of 16", "required"),
    Parameter("campaign_ids", "string"),
    Parameter("install_referrer", "string"),
    Parameter("installer_package", "string"),
    Parameter("vendor_id", "string"),
    Parameter("windows_attribution_id", "string"),
    Parameter("url_schemes", "array"),
    Parameter("consider_views", "boolean", "", "S"),
    Parameter("include_dwell_data", "boolean", "", "S"),
    Parameter("include_video_data", "boolean", "", "S"),
    Parameter("receipt_data", "string", "", "S"),
)

APP_DATA_NAMES: Final = frozenset(row.name for row in APP_DATA)

ORIGINAL_EVENT: Final = (
    Parameter("event_name", "string"),
    Parameter("event_time", "integer, Unix seconds"),
    Parameter("order_id", "string"),
    Parameter("event_id", "string"),
)

ORIGINAL_EVENT_NAMES: Final = frozenset(row.name for row in ORIGINAL_EVENT)

ATTRIBUTION: Final = (
    Parameter("ad_id", "string", "required for AppendAttribution"),
    Parameter("touchpoint_ts", "integer, Unix seconds", "required for AppendAttribution"),
    Parameter("attribution_share", "number, 0 to 1", "required for AppendAttribution"),
    Parameter("attribution_value", "number", "share times value; required for AppendAttribution"),
    Parameter("scope", "string", "", "S"),
    Parameter("visit_time", "integer", "", "S"),
    Parameter("adset_id", "string", "", "S"),
    Parameter("campaign_id", "string", "", "S"),
    Parameter("attribution_model", "enum", "", "S"),
    Parameter("attr_window", "integer", "", "S"),
    Parameter("attribution_source", "string", "", "S"),
    Parameter("touchpoint_type", "string", "", "S"),
    Parameter("attribution_method", "enum", "", "S"),
    Parameter("decline_reason", "enum", "", "S"),
    Parameter("auditing_token", "string", "", "S"),
    Parameter("linkage_key", "string", "", "S"),
    Parameter("touchpoint_id", "string", "", "S"),
    Parameter("attribution_setting", "object", "", "S"),
    Parameter("total_credit", "number", "", "S"),
    Parameter("partner_client_id", "string", "", "S"),
)

ATTRIBUTION_NAMES: Final = frozenset(row.name for row in ATTRIBUTION)

ATTRIBUTION_MODELS: Final = frozenset(
    {
        "customized_multi_touch",
        "first_touch",
        "last_click",
        "last_touch",
        "linear",
        "position_based",
        "time_decay",
        "unknown",
    }
)

ATTRIBUTION_METHODS: Final = frozenset(
    {"ard", "deeplink", "gpir", "invalid_response", "mir", "srn"}
)

DECLINE_REASONS: Final = frozenset(
    {
        "attribute_to_other_source",
        "out_of_lookback_window",
        "view_through_disabled",
        "within_inactive_window",
        "inactive",
        "fraud_detected",
        "unknown",
        "reinstall_attribution_disabled",
        "lookback",
        "not_pmod_match",
        "validation_rule_detected",
        "preload_install",
        "min_time_between_re_engagements",
        "duplicated",
        "pmod_disabled",
    }
)
