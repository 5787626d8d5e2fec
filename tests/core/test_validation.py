"""Row by row: every rule is broken once in each way, and kept by an event next to it."""

import copy
from decimal import Decimal
from hashlib import md5, sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import limits, vocabulary
from tillpost.core.rule import EMPTY_SHA256, shown
from tillpost.core.validation import (
    REQUEST_ROWS,
    RULES,
    Finding,
    MetaError,
    first_error,
    lint,
    refusal,
    unpack,
    usable_keys,
)

NOW = 1_790_000_000.0
TIME = 1_789_990_000
DAY = 86_400
GONE = object()


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


GOOD: dict[str, Any] = {
    "event_name": "Purchase",
    "event_time": TIME,
    "event_id": "order.1001",
    "action_source": "website",
    "event_source_url": "https://shop.example/thanks",
    "user_data": {
        "em": [digest("jane@example.com")],
        "client_ip_address": "203.0.114.7",
        "client_user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
        "fbc": f"fb.1.{TIME - 60}000.IwAR2F4dbP0l7Mn1Iawq",
        "fbp": f"fb.1.{TIME - 60}000.1116446470",
    },
    "custom_data": {
        "value": 19.99,
        "currency": "USD",
        "content_type": "product",
        "contents": [{"id": "sku-1", "quantity": 1, "item_price": 19.99}],
        "order_id": "1001",
    },
}
EXTINFO = ["a2", "com.shop", "", "", "14", *[""] * 11]
APP = {
    "action_source": "app",
    "app_data": {"advertiser_tracking_enabled": 1, "extinfo": EXTINFO},
}
MESSAGING = {
    "action_source": "business_messaging",
    "messaging_channel": "whatsapp",
    "user_data.ctwa_clid": "ARAkLkA8",
    "user_data.whatsapp_business_account_id": "1",
}
LEAD = {
    "event_name": "Opportunity",
    "action_source": "system_generated",
    "user_data.lead_id": 123456789012345,
    "custom_data.event_source": "crm",
    "custom_data.lead_event_source": "Own CRM",
}
TILL = {"action_source": "physical_store", "custom_data.store_data": {"store_code": "B-12"}}
APPEND = {
    "event_name": "AppendAttribution",
    "attribution_data": {
        "ad_id": "1",
        "touchpoint_ts": TIME,
        "attribution_share": 0.5,
        "attribution_value": 10,
    },
    "original_event_data": {"event_name": "Purchase", "event_time": TIME},
}


def event(*groups: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The good event with fields set by dotted path (`.` is written `__`); GONE removes one."""
    made = copy.deepcopy(GOOD)
    pairs = [pair for group in (*groups, changes) for pair in group.items()]
    for dotted, value in pairs:
        *steps, last = dotted.replace("__", ".").split(".")
        where = made
        for step in steps:
            where = where.setdefault(step, {})
        if value is GONE:
            where.pop(last, None)
        else:
            where[last] = copy.deepcopy(value)
    return made


def user(**keys: Any) -> dict[str, Any]:
    return event(user_data=keys)


MD5 = md5(b"jane@example.com", usedforsecurity=False).hexdigest()

BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("event_name.missing", event(event_name=GONE), "event_name"),
    ("event_name.missing", event(event_name=None), "event_name"),
    ("event_name.missing", event(event_name=" "), "event_name"),
    ("event_name.missing", event(event_name=7), "event_name"),
    ("event_time.not_integer", event(event_time=GONE), "event_time"),
    ("event_time.not_integer", event(event_time="yesterday"), "event_time"),
    ("event_time.not_integer", event(event_time="2026-09-21T00:00:00Z"), "event_time"),
    ("event_time.not_integer", event(event_time=TIME + 0.5), "event_time"),
    ("event_time.not_integer", event(event_time=True), "event_time"),
    ("event_time.not_integer", event(event_time=10**4000), "event_time"),
    ("event_time.too_old", event(event_time=int(NOW) - 7 * DAY - 1), "event_time"),
    ("event_time.too_old", event(event_time=0), "event_time"),
    (
        "event_time.too_old",
        event(event_time=int(NOW) - 62 * DAY - 1, action_source="physical_store"),
        "event_time",
    ),
    ("event_time.milliseconds", event(event_time=TIME * 1000), "event_time"),
    ("event_time.future", event(event_time=int(NOW) + 601), "event_time"),
    ("action_source.unknown", event(action_source="web"), "action_source"),
    ("action_source.unknown", event(action_source=["website"]), "action_source"),
    ("user_data.not_object", event(user_data="x"), "user_data"),
    ("user_data.not_object", event(user_data=[{}]), "user_data"),
    ("user_data.too_broad", event(user_data=GONE), "user_data"),
    ("user_data.too_broad", event(user_data={}), "user_data"),
    ("user_data.too_broad", event(user_data=[]), "user_data"),
    ("user_data.lead_id", event(user_data__lead_id=12345), "user_data.lead_id"),
    ("user_data.lead_id", event(user_data__lead_id=True), "user_data.lead_id"),
    ("user_data.lead_id", event(user_data__lead_id=10**4000), "user_data.lead_id"),
    ("custom_data.not_object", event(custom_data="x"), "custom_data"),
    ("purchase.value", event(custom_data__value=GONE), "custom_data.value"),
    ("purchase.value", event(custom_data__value=None), "custom_data.value"),
    ("purchase.value", event(custom_data__value="$20"), "custom_data.value"),
    ("purchase.value", event(custom_data__value="NaN"), "custom_data.value"),
    ("purchase.value", event(custom_data__value=True), "custom_data.value"),
    ("purchase.value", event(custom_data__value=[1]), "custom_data.value"),
    ("purchase.value", event(custom_data__value=Decimal("sNaN")), "custom_data.value"),
    ("purchase.value", event(custom_data=GONE), "custom_data.value"),
    ("purchase.currency", event(custom_data__currency=GONE), "custom_data.currency"),
    ("purchase.currency", event(custom_data__currency=""), "custom_data.currency"),
    ("purchase.currency_unknown", event(custom_data__currency="MRU"), "custom_data.currency"),
    ("purchase.currency_unknown", event(custom_data__currency="$"), "custom_data.currency"),
    ("purchase.currency_unknown", event(custom_data__currency=840), "custom_data.currency"),
    (
        "contents.id",
        event(custom_data__contents=[{"id": "a"}, {"quantity": 1}]),
        "custom_data.contents[1].id",
    ),
    ("contents.id", event(custom_data__contents=[{"id": ""}]), "custom_data.contents[0].id"),
    ("app.extinfo", event(action_source="app"), "app_data.extinfo"),
    ("app.extinfo", event(APP, app_data__extinfo=["a2"]), "app_data.extinfo"),
    ("app.extinfo", event(APP, app_data__extinfo=["x", *EXTINFO[1:]]), "app_data.extinfo[0]"),
    (
        "app.extinfo",
        event(APP, app_data__extinfo=[*EXTINFO[:4], "", *EXTINFO[5:]]),
        "app_data.extinfo[4]",
    ),
    ("messaging.event_name", event(MESSAGING, event_name="Lead"), "event_name"),
    ("messaging.event_name", event(MESSAGING, event_name="Mine"), "event_name"),
    ("user_data.unhashed", event(user_data__em="jane@example.com"), "user_data.em"),
    ("user_data.unhashed", event(user_data__ph=["+16505551212"]), "user_data.ph[0]"),
    ("user_data.unhashed", event(user_data__fn=[digest("a"), "Jane"]), "user_data.fn[1]"),
    ("user_data.other_hash", event(user_data__em=MD5), "user_data.em"),
    ("user_data.other_hash", event(user_data__em=[MD5.upper()]), "user_data.em[0]"),
    ("user_data.empty_hash", event(user_data__ln=[EMPTY_SHA256]), "user_data.ln[0]"),
    ("user_data.empty_hash", event(user_data__external_id=EMPTY_SHA256), "user_data.external_id"),
    ("user_data.placeholder_hash", event(user_data__ph=digest("null")), "user_data.ph"),
    ("user_data.upper_hash", event(user_data__em=digest("a").upper()), "user_data.em"),
    (
        "user_data.hashed_plain",
        event(user_data__client_ip_address=digest("1.2.3.4")),
        "user_data.client_ip_address",
    ),
    ("user_data.hashed_plain", event(user_data__fbp=digest("x")), "user_data.fbp"),
    ("user_data.type", event(user_data__ph=16505551212), "user_data.ph"),
    ("user_data.type", event(user_data__external_id={"id": 1}), "user_data.external_id"),
    ("user_data.list", event(user_data__fbp=[GOOD["user_data"]["fbp"]]), "user_data.fbp"),
    ("user_data.blank", event(user_data__ct=""), "user_data.ct"),
    ("user_data.blank", event(user_data__ct=[None, " "]), "user_data.ct"),
    ("user_data.unknown_key", event(user_data__email=digest("a")), "user_data.email"),
    ("user_data.unknown_key", event(user_data__countri=digest("a")), "user_data.countri"),
    ("user_data.unknown_key", event(user_data__zzz="x"), "user_data.zzz"),
    (
        "external_id.personal",
        event(user_data__external_id="jane@example.com"),
        "user_data.external_id",
    ),
    (
        "client_ip_address.malformed",
        event(user_data__client_ip_address="203.0.114.7, 10.0.0.1"),
        "user_data.client_ip_address",
    ),
    (
        "client_ip_address.malformed",
        event(user_data__client_ip_address="999.1.1.1"),
        "user_data.client_ip_address",
    ),
    (
        "client_ip_address.malformed",
        event(user_data__client_ip_address=7),
        "user_data.client_ip_address",
    ),
    (
        "client_ip_address.mapped",
        event(user_data__client_ip_address="::ffff:8.8.8.8"),
        "user_data.client_ip_address",
    ),
    (
        "client_ip_address.private",
        event(user_data__client_ip_address="192.168.0.4"),
        "user_data.client_ip_address",
    ),
    (
        "client_ip_address.private",
        event(user_data__client_ip_address="::ffff:10.0.0.1"),
        "user_data.client_ip_address",
    ),
    (
        "client_user_agent.bot",
        event(user_data__client_user_agent="python-requests/2.32"),
        "user_data.client_user_agent",
    ),
    (
        "client_user_agent.bot",
        event(user_data__client_user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)"),
        "user_data.client_user_agent",
    ),
    (
        "client_user_agent.missing",
        event(user_data__client_user_agent=GONE),
        "user_data.client_user_agent",
    ),
    ("fbc.malformed", event(user_data__fbc="IwAR2F4dbP0l7Mn1Iawq"), "user_data.fbc"),
    ("fbc.malformed", event(user_data__fbc=f"fb.1.{TIME}000."), "user_data.fbc"),
    ("fbc.altered", event(user_data__fbc=f"fb.1.{TIME}000.IwAR2F%3D"), "user_data.fbc"),
    (
        "fbc.altered",
        event(user_data__fbc=f"fb.1.{TIME - 60}000.iwar2f4dbp0l7mn1iawq"),
        "user_data.fbc",
    ),
    ("fbp.malformed", event(user_data__fbp=f"fb.1.{TIME}000.abc"), "user_data.fbp"),
    ("fb.seconds", event(user_data__fbp=f"fb.1.{TIME}.1116446470"), "user_data.fbp"),
    ("fb.future", event(user_data__fbc=f"fb.1.{TIME + 120}000.IwAR2F4d"), "user_data.fbc"),
    (
        "fbc.old",
        event(user_data__fbc=f"fb.1.{TIME - 91 * DAY}000.IwAR2F4dbP0"),
        "user_data.fbc",
    ),
    (
        "madid.form",
        event(user_data__madid="38400000-8CF0-11BD-B23E-10B96E40000D"),
        "user_data.madid",
    ),
    ("event_id.missing", event(event_id=GONE), "event_id"),
    ("event_id.missing", event(event_id=""), "event_id"),
    ("event_id.type", event(event_id=1001), "event_id"),
    ("event_name.near_standard", event(event_name="purchase"), "event_name"),
    ("event_name.near_standard", event(event_name="Add to cart"), "event_name"),
    ("event_name.near_standard", event(event_name="Purchas"), "event_name"),
    ("event_name.long", event(event_name="x" * 51), "event_name"),
    ("event_time.text", event(event_time=str(TIME)), "event_time"),
    ("action_source.missing", event(action_source=GONE), "action_source"),
    ("event_source_url.missing", event(event_source_url=GONE), "event_source_url"),
    ("url.malformed", event(event_source_url="shop.example/thanks"), "event_source_url"),
    ("url.malformed", event(referrer_url=7), "referrer_url"),
    (
        "url.personal",
        event(event_source_url="https://shop.example/?email=jane%40example.com"),
        "event_source_url",
    ),
    ("event.unknown_key", event(value=19.99), "value"),
    ("event.unknown_key", event(em=digest("a")), "em"),
    ("event.unknown_key", event(event_nam="x"), "event_nam"),
    ("event.unknown_key", event(zzz="x"), "zzz"),
    ("opt_out.type", event(opt_out="yes"), "opt_out"),
    ("ldu.options", event(data_processing_options=["ldu"]), "data_processing_options"),
    (
        "ldu.country",
        event(data_processing_options_country=840),
        "data_processing_options_country",
    ),
    ("ldu.state", event(data_processing_options_state=1), "data_processing_options_state"),
    (
        "ldu.no_place",
        event(data_processing_options=["LDU"], user_data__client_ip_address=GONE),
        "data_processing_options_state",
    ),
    (
        "messaging.channel",
        event(MESSAGING, messaging_channel=GONE),
        "messaging_channel",
    ),
    ("messaging.channel", event(messaging_channel="sms"), "messaging_channel"),
    (
        "messaging.keys",
        event(MESSAGING, user_data__ctwa_clid=GONE),
        "user_data.ctwa_clid",
    ),
    (
        "app.tracking",
        event(APP, app_data__advertiser_tracking_enabled=GONE),
        "app_data.advertiser_tracking_enabled",
    ),
    ("parts.unknown_key", event(APP, app_data__extinf=1), "app_data.extinf"),
    ("parts.unknown_key", event(attribution_data={"zzz": 1}), "attribution_data.zzz"),
    (
        "customer_segmentation.unknown",
        event(custom_data__customer_segmentation="new"),
        "custom_data.customer_segmentation",
    ),
    (
        "customer_segmentation.unknown",
        event(customer_segmentation=["x"]),
        "customer_segmentation",
    ),
    (
        "attribution_data.enum",
        event(attribution_data={"attribution_model": "best"}),
        "attribution_data.attribution_model",
    ),
    (
        "append_attribution.missing",
        event(APPEND, attribution_data__ad_id=GONE),
        "attribution_data.ad_id",
    ),
    (
        "append_attribution.missing",
        event(APPEND, custom_data__currency=GONE),
        "custom_data.currency",
    ),
    (
        "append_attribution.late",
        event(APPEND, original_event_data__event_time=TIME - 3 * DAY),
        "original_event_data.event_time",
    ),
    (
        "crm.fields",
        event(LEAD, custom_data__event_source=GONE),
        "custom_data.event_source",
    ),
    (
        "crm.fields",
        event(LEAD, custom_data__lead_event_source=""),
        "custom_data.lead_event_source",
    ),
    ("crm.event_source", event(LEAD, custom_data__event_source="erp"), "custom_data.event_source"),
    ("crm.action_source", event(LEAD, action_source="website"), "action_source"),
    (
        "store.quantity",
        event(TILL, custom_data__contents=[{"id": "a", "quantity": 1}, {"id": "b"}]),
        "custom_data.contents[1].quantity",
    ),
    (
        "store.order",
        event(TILL, event_id=GONE, custom_data__order_id=GONE),
        "custom_data.order_id",
    ),
    ("store.data", event(TILL, custom_data__store_data=["B-12"]), "custom_data.store_data"),
    ("store.data", event(TILL, custom_data__store_data="B-12"), "custom_data.store_data"),
    (
        "store.data",
        event(TILL, custom_data__store_data={"store_cod": "x"}),
        "custom_data.store_data.store_cod",
    ),
    (
        "store.data",
        event(TILL, custom_data__store_data={"store_code": "x" * 65}),
        "custom_data.store_data.store_code",
    ),
    ("value.text", event(custom_data__value="19.99"), "custom_data.value"),
    ("value.type", event(event_name="AddToCart", custom_data__value="x"), "custom_data.value"),
    ("value.negative", event(custom_data__value=-1), "custom_data.value"),
    (
        "value.no_currency",
        event(event_name="AddToCart", custom_data__currency=GONE),
        "custom_data.currency",
    ),
    ("currency.case", event(custom_data__currency="usd"), "custom_data.currency"),
    (
        "currency.unknown",
        event(event_name="AddToCart", custom_data__currency="$"),
        "custom_data.currency",
    ),
    ("custom_data.number", event(custom_data__net_revenue="x"), "custom_data.net_revenue"),
    ("contents.type", event(custom_data__contents={"id": 1}), "custom_data.contents"),
    ("contents.type", event(custom_data__contents=["sku"]), "custom_data.contents[0]"),
    (
        "contents.quantity",
        event(custom_data__contents=[{"id": "a", "quantity": 0}]),
        "custom_data.contents[0].quantity",
    ),
    (
        "contents.item_price",
        event(custom_data__contents=[{"id": "a", "item_price": "x"}]),
        "custom_data.contents[0].item_price",
    ),
    ("content_ids.type", event(custom_data__content_ids="sku-1"), "custom_data.content_ids"),
    ("content_ids.type", event(custom_data__content_ids=[{}]), "custom_data.content_ids"),
    ("content_type.unknown", event(custom_data__content_type="shoe"), "custom_data.content_type"),
    ("content_type.missing", event(custom_data__content_type=GONE), "custom_data.content_type"),
    ("num_items.type", event(custom_data__num_items="many"), "custom_data.num_items"),
    ("custom_data.text", event(custom_data__order_id=1001), "custom_data.order_id"),
    (
        "delivery_category.unknown",
        event(custom_data__delivery_category="post"),
        "custom_data.delivery_category",
    ),
    (
        "delivery_category.unknown",
        event(custom_data__contents=[{"id": "a", "delivery_category": "post"}]),
        "custom_data.contents[0].delivery_category",
    ),
    ("vertical.unknown", event(custom_data__drivetrain="6X6"), "custom_data.drivetrain"),
    ("vertical.unknown", event(custom_data__travel_class=1), "custom_data.travel_class"),
    ("custom_data.personal", event(custom_data__email="x"), "custom_data.email"),
    ("custom_data.personal", event(custom_data__note="to jane@example.com"), "custom_data.note"),
    (
        "custom_data.near_standard",
        event(custom_data__transaction_id="1", custom_data__order_id=GONE),
        "custom_data.transaction_id",
    ),
    (
        "custom_data.near_standard",
        event(custom_data__contnts=[], custom_data__contents=GONE),
        "custom_data.contnts",
    ),
]

KEPT: list[dict[str, Any]] = [
    GOOD,
    event(event_time=str(TIME), user_data__em=digest("jane@example.com")),
    event(event_time=float(TIME)),
    event(event_time=int(NOW) - 7 * DAY),
    event(event_time=int(NOW) + 600),
    event(event_time=int(NOW) - 61 * DAY, action_source="physical_store"),
    event(action_source=GONE),
    event(user_data__client_user_agent=GONE, event_source_url=GONE, event_id=GONE),
    event(user_data__lead_id=123456789012345),
    event(user_data__lead_id="12345678901234567", user_data__em=GONE),
    event(custom_data__value=0),
    event(custom_data__value="0.00"),
    event(custom_data__value=Decimal("19.99")),
    event(custom_data__currency="usd"),
    event(custom_data__contents="[]"),
    event(custom_data__contents=None),
    event(custom_data__contents=[{"id": 0}]),
    event(event_name="AddToCart", custom_data=[]),
    event(event_name="AddToCart", custom_data=None),
    event(event_name="Subscribed to letters"),
    event(APP),
    event(APP, app_data__extinfo=["i2", *EXTINFO[1:]]),
    event(MESSAGING),
    event(APPEND),
    event(opt_out=None, data_processing_options=None, app_data=None, unknown=None),
]

CLEAN: list[dict[str, Any]] = [
    GOOD,
    event(LEAD),
    event(TILL),
    event(TILL, event_id=GONE),
    event(TILL, event_name="Other", event_id=GONE, custom_data__order_id=GONE),
    event(action_source="physical_store", event_source_url=GONE, event_id=GONE),
    event(user_data__client_ip_address="2001:4860:4860::8888"),
    event(user_data__client_ip_address="8.8.4.4.AQQAAQMC"),
    event(user_data__em=f"{digest('jane@example.com')}.AQQCAQMC"),
    event(user_data__fbp=f"fb.1.{TIME}000.1116446470.AQYCAQMC"),
    event(user_data__external_id=["customer-7", digest("customer-7")]),
    event(user_data__client_user_agent="Mozilla/5.0 (Linux; Android 12; CUBOT X70)"),
    event(user_data__madid="38400000-8cf0-11bd-b23e-10b96e40000d"),
    event(data_processing_options=[], opt_out=False),
    event(data_processing_options=("LDU",), data_processing_options_country=0),
    event(custom_data__body_style="SUV", custom_data__price=9, custom_data__country="US"),
    event(data_processing_options=["LDU"], data_processing_options_country=0),
    event(
        data_processing_options=["LDU"],
        data_processing_options_country=1,
        data_processing_options_state=1000,
        user_data__client_ip_address=GONE,
    ),
    event(custom_data__content_ids=["a", 7], custom_data__num_items=2),
    event(custom_data__delivery_category="curbside", custom_data__brand="Ours"),
    event(custom_data__customer_segmentation="new_customer_to_business"),
    event(event_name="MobileAppInstall", custom_data=GONE),
    event(referrer_url="https://www.example.com/?q=shoes"),
    event(custom_data__city="Paris", custom_data__state="on"),
    event(APP, app_data__advertiser_tracking_enabled="1"),
    event(APPEND, attribution_data__attribution_model="LAST_TOUCH"),
]


def of(rule: str, found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.rule == rule]


@pytest.mark.parametrize(("rule", "broken", "path"), BROKEN)
def test_every_row_finds_what_breaks_it(rule: str, broken: dict[str, Any], path: str) -> None:
    found = of(rule, lint([broken], NOW))
    assert path in {finding.path for finding in found}
    row = next(row for row in RULES if row.name == rule)
    assert {(f.level, f.subcode) for f in found} == {(row.level, row.subcode)}


@pytest.mark.parametrize(("rule", "broken", "path"), BROKEN)
def test_only_an_error_refuses(rule: str, broken: dict[str, Any], path: str) -> None:
    row = next(row for row in RULES if row.name == rule)
    error = first_error(broken, 0, NOW)
    if row.level == "error":
        assert error is not None
        assert error.code == 100
        assert error.error_subcode == row.subcode
        assert error.error_user_title == row.title
    else:
        assert error is None or any(f.level == "error" for f in lint([broken], NOW))


@pytest.mark.parametrize("kept", KEPT)
def test_what_meta_takes_is_not_refused(kept: dict[str, Any]) -> None:
    assert first_error(kept, 0, NOW) is None
    assert all(finding.level == "warning" for finding in lint([kept], NOW))


@pytest.mark.parametrize("clean", CLEAN)
def test_a_clean_event_has_no_finding(clean: dict[str, Any]) -> None:
    assert lint([clean], NOW) == []


def test_every_row_is_broken_by_some_case() -> None:
    assert {row.name for row in RULES} == {rule for rule, _, _ in BROKEN}
    assert len({row.name for row in (*RULES, *REQUEST_ROWS)}) == len(RULES) + len(REQUEST_ROWS)


@pytest.mark.parametrize(
    ("keys", "taken"),
    [
        ((), False),
        (("client_user_agent",), False),
        (("country",), False),
        (("ct", "st", "country", "ge"), False),
        (("ct", "country", "st", "zp", "ge", "client_user_agent"), False),
        (("db",), False),
        (("db", "client_user_agent"), False),
        (("fn",), False),
        (("ln",), False),
        (("ge",), False),
        (("fn", "ge"), False),
        (("ln", "ge"), False),
        (("doby", "client_user_agent"), False),
        (("zzz",), False),
        (("em",), True),
        (("ph",), True),
        (("external_id",), True),
        (("client_ip_address",), True),
        (("fbp",), True),
        (("fbc",), True),
        (("lead_id",), True),
        (("madid",), True),
        (("fb_login_id",), True),
        (("ctwa_clid",), True),
        (("fn", "ln"), True),
        (("fn", "client_user_agent"), True),
        (("db", "ge"), True),
        (("db", "ct"), True),
        (("fn", "zp"), True),
        (("ln", "country"), True),
        (("external_id", "client_user_agent"), True),
    ],
)
def test_the_four_broad_sets(keys: tuple[str, ...], taken: bool) -> None:
    plain = {
        "client_user_agent": "Mozilla/5.0",
        "client_ip_address": "203.0.114.7",
        "fbp": "fb.1.1596403881668.1116446470",
        "fbc": "fb.1.1554763741205.AbCdEfGhIjKl",
        "lead_id": 123456789012345,
    }
    data = {key: plain.get(key, digest(key)) for key in keys}
    assert usable_keys(data) is taken
    assert usable_keys({key: [value] for key, value in data.items()}) is taken
    error = first_error(event(user_data=data), 0, NOW)
    assert (error is None) is taken


@pytest.mark.parametrize(
    "value",
    [
        "jane@example.com",
        "",
        None,
        [],
        [""],
        [None],
        MD5,
        EMPTY_SHA256,
        True,
        7,
        {"a": 1},
        10**4000,
    ],
)
def test_a_value_that_cannot_be_used_is_no_key(value: object) -> None:
    assert not usable_keys({"em": value})
    assert not usable_keys({"em": [value], "client_user_agent": "Mozilla/5.0"})


def test_one_usable_value_of_a_list_is_enough() -> None:
    assert usable_keys({"em": ["jane@example.com", digest("jane@example.com").upper()]})


def test_the_time_is_asked_before_the_person() -> None:
    both = event(event_time=int(NOW) - 8 * DAY, user_data={"client_user_agent": "Mozilla/5.0"})
    error = first_error(both, 0, NOW)
    assert error is not None
    assert error.error_subcode == 2804003


def test_the_error_is_metas_object() -> None:
    old = first_error(event(event_time=0), 0, NOW)
    assert msgspec.json.decode(msgspec.json.encode(old)) == {
        "message": "Invalid parameter",
        "type": "OAuthException",
        "code": 100,
        "is_transient": False,
        "error_subcode": 2804003,
        "error_user_title": "Event Timestamp Too Old",
        "error_user_msg": old.error_user_msg if old else "",
    }


def test_an_error_without_subcode_names_the_place() -> None:
    error = refusal([GOOD, event(action_source="web")], NOW)
    assert error is not None
    assert error.error_subcode is None
    assert error.message.startswith("(#100) Param data[1]['action_source'] is invalid")


@pytest.mark.parametrize("data", [None, "", "x", "{", [], {}, 7, "[]", b"[", [[]], "\ud800"])
def test_a_request_without_events_is_refused(data: object) -> None:
    error = refusal(data, NOW)
    assert error is not None
    assert error.code == 100
    assert error.error_subcode is None


def test_data_may_be_texts_of_events_or_the_text_of_a_list() -> None:
    one = msgspec.json.encode(GOOD).decode()
    assert refusal([one, GOOD], NOW) is None
    assert refusal(f"[{one}]", NOW) is None
    assert unpack([one]) == [GOOD]
    assert refusal(["[]"], NOW) == MetaError(
        "(#100) Param data[0] must be an object", "OAuthException", 100, is_transient=False
    )


def test_a_thousand_events_and_no_more() -> None:
    assert refusal([GOOD] * 1000, NOW) is None
    error = refusal([GOOD] * 1001, NOW)
    assert error is not None
    assert "1000" in error.message


def test_a_deep_text_is_no_event() -> None:
    assert isinstance(unpack("[" * 100_000), MetaError)


def test_the_second_of_two_equal_ids_is_told() -> None:
    found = lint([GOOD, event(event_name="AddToCart"), GOOD, "x"], NOW)
    assert [(f.event, f.rule) for f in found] == [(2, "event_id.repeated"), (3, "event.not_object")]


def test_no_finding_holds_a_value_or_a_strange_key() -> None:
    secret = "jane.roe@example.com"
    told = lint(
        [
            event(
                **{
                    "user_data.em": secret,
                    "user_data.ph": "+16505551212",
                    "event_source_url": f"https://shop.example/?e={secret}",
                    "custom_data.note": secret,
                    "event_name": secret,
                }
            )
            | {secret: 1, "16505551212": 2}
        ],
        NOW,
    )
    text = msgspec.json.encode(told).decode()
    assert "jane" not in text
    assert "16505551212" not in text
    assert shown(secret) == "?"


def test_at_most_twenty_unknown_keys_are_told() -> None:
    many = event(user_data__em=digest("a")) | {f"strange_{i}": 1 for i in range(500)}
    assert len(of("event.unknown_key", lint([many], NOW))) == 20


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([digest("a"), EMPTY_SHA256, "website", "Purchase", "app", str(TIME)])
    | st.sampled_from([TIME, 10**400, -(2**70)])
    | st.decimals(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    sorted(
        {row.name for row in (*vocabulary.SERVER_EVENT, *vocabulary.CUSTOM_DATA)}
        | set(vocabulary.USER_KEY)
    )
)
OBJECT = st.dictionaries(NAMES, JSON, max_size=6)
EVENT = st.fixed_dictionaries(
    {},
    optional={row.name: JSON | OBJECT for row in vocabulary.SERVER_EVENT}
    | {"user_data": OBJECT, "custom_data": OBJECT, "app_data": st.just({"extinfo": [[]] * 16})},
)


@given(JSON | st.lists(EVENT | JSON, max_size=3))
def test_any_json_value_gets_an_answer(data: Any) -> None:
    error = refusal(data, NOW)
    assert error is None or error.code == 100
    events = unpack(data)
    if not isinstance(events, MetaError):
        refused = any(finding.level == "error" for finding in lint(events, NOW))
        assert refused is (error is not None)


@given(st.lists(JSON, max_size=4))
def test_lint_takes_any_list(events: list[Any]) -> None:
    assert all(0 <= finding.event < len(events) for finding in lint(events, NOW))


def test_the_tables_agree_with_themselves() -> None:
    assert len(vocabulary.EXTINFO) == 16
    assert len(vocabulary.ACTION_SOURCES) == 9
    assert len(limits.LDU_STATES) == 14
    assert set(limits.LDU_CODES.values()) == set(range(1000, 1014))
    assert {key for names in vocabulary.BROAD_SETS for key in names} <= set(vocabulary.USER_KEY)
    assert set(vocabulary.USER_ALIASES.values()) <= set(vocabulary.USER_KEY)
    parameters = {p for row in vocabulary.STANDARD_EVENTS for p in (*row.required, *row.optional)}
    assert parameters <= vocabulary.CUSTOM_DATA_NAMES


def test_the_currencies_are_iso_4217() -> None:
    from iso4217 import Currency

    known = {currency.code for currency in Currency}
    assert limits.CURRENCIES - known <= {"ANG", "BGN", "CUP", "HRK"}
    assert "MRU" not in limits.CURRENCIES
