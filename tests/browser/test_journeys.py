"""What users come for, in a real Chromium: at a desk by day, and on a phone by night."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Download, Locator, Page, expect
from tests.acceptance.test_one_order import EMAIL, LANDING
from tests.acceptance.test_screens import purchase, visit
from tests.browser.reader import DESK, LOOKS, PHONE, Look, Reader, chromium, too_wide
from tests.live import BROWSER, Live, wait_for
from tests.orders import iso, order
from tests.refused import refuse

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, LOOKS]

KNOWN, UNKNOWN, DEAD = 8001, 8002, 8003
NUMBER = str(order(DEAD)["id"])
TIMES = "\N{MULTIPLICATION SIGN}"
MISSPELLED = LANDING.replace("facebook", "FaceBook").replace("Spring", "Typo")
DAY = datetime.now(UTC).date().isoformat()
SPEND = (
    "date,platform,campaign,campaign_id,adset_id,ad,ad_id,spend,currency\n"
    f"{DAY},meta,Spring,120,121,Tea,122,29.50,USD\n"
)


@pytest.fixture(scope="module")
def shop(one_server: Live) -> Live:
    """Three orders of 59.00: one of an ad whose buyer is known, one of nobody known, and one
    that the platform refused; what the ad cost; and a visit with a misspelled tag."""
    server = one_server
    touch = {
        "action": "link_click", "time": iso(3600), "ad_id": "122", "adset_id": "121",
        "campaign_id": "120", "account_id": "1", "names": {"campaign": "Spring", "ad": "Tea"},
        "user_data": {"em": [EMAIL]},
    }  # fmt: skip
    assert server.post("/receiver/touches", {"touches": [touch]}, "receiver_token").status == 200
    known = order(KNOWN)
    wrong = {**visit(order(8009)), "event_source_url": MISSPELLED}
    assert server.beacon(visit(known), purchase(known), wrong).status == 204
    for made in (known, stranger(UNKNOWN, "bo"), stranger(DEAD, "di")):
        assert server.webhook(made).status == 200
        server.purchase(str(made["id"]))
    key = f"Bearer {server.secrets['server_key']}"
    told = server.ask("POST", "/api/v1/spend/demo", SPEND.encode(), authorization=key)
    assert told.status == 200, told.body
    refuse(server, NUMBER)
    wait_for(lambda: [row for row in _ads(server) if row["conversions"]], 20)
    return server


def stranger(number: int, name: str) -> dict[str, Any]:
    """An order of somebody whom the platform does not know."""
    mail = f"{name}@mail.example"
    made = order(number, email=mail)
    made["customer"] = {"id": number, "email": mail, "first_name": name, "last_name": "Ek"}
    made["billing_address"] = {**made["billing_address"], "phone": None}
    return made


def _ads(server: Live) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = server.get("/ads.json?table=ads&days=30")["rows"]
    return rows


@pytest.fixture(scope="module")
def windows(chromium: Browser) -> Iterator[dict[Look, BrowserContext]]:
    """A window of each look, in which somebody signs in once."""
    made = {look: look.context(chromium) for look in (DESK, PHONE)}
    yield made
    for window in made.values():
        window.close()


@pytest.fixture
def reader(windows: dict[Look, BrowserContext], shop: Live, look: Look) -> Iterator[Reader]:
    made = Reader(windows[look], shop)
    yield made
    assert made.complaints == []
    assert too_wide(made.page) == 0
    made.page.close()


@pytest.fixture
def page(reader: Reader) -> Page:
    return reader.page


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("table", name=name)


def title(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def saved(page: Page, name: str) -> Path:
    """The file behind a link."""
    with page.expect_download() as waited:
        page.get_by_role("link", name=name).click()
    download: Download = waited.value
    return Path(download.path())


def test_an_order_is_found_and_says_why_its_buyer_was_not_known(reader: Reader) -> None:
    page = reader.page
    reader.open("Orders")
    page.get_by_label("Order number, id or event id").fill("8002")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="#8002").click()
    expect(page.get_by_role("region", name="Evidence")).to_contain_text("Buyer matched")
    expect(page.locator(".gist")).to_contain_text("did not know the buyer")
    expect(page.locator(".life")).to_contain_text("The shop's server told")
    expect(page.get_by_role("region", name="What each model gives")).to_contain_text(
        "No visit before this order was seen"
    )


def test_what_needs_attention_leads_to_a_dead_letter_that_goes_again(
    reader: Reader, shop: Live
) -> None:
    page = reader.page
    expect(page.get_by_role("region", name="Needs attention")).to_contain_text("refused")
    reader.open("Delivery")
    expect(table(page, "Destinations and their ledger").locator("tbody tr")).to_have_count(1)
    row = page.get_by_role("row", name=NUMBER)
    expect(row).to_contain_text("Invalid parameter")
    row.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status")).to_contain_text("goes again, with the same id")
    assert shop.purchase(NUMBER)["outcomes"][0]["state"] == "delivered"
    expect(table(page, "How fast the latest 500 went out")).to_contain_text(re.compile(r"\d m?s"))
    refuse(shop, NUMBER)


def test_a_channel_opens_down_to_the_order_behind_it(reader: Reader) -> None:
    page = reader.page
    reader.open("Channels")
    expect(page.get_by_text("Adds up to")).to_be_visible()
    expect(page.locator("tfoot")).to_contain_text("$177.00")
    row = page.get_by_role("row", name="Paid Social").first
    expect(row).to_contain_text(f"2.00{TIMES}")
    for name in ("Paid Social", "Spring", "121", "Tea", "#8001"):
        page.get_by_role("rowheader").get_by_role("link", name=name, exact=True).click()
    expect(title(page)).to_contain_text("#8001")
    expect(page.locator(".gist")).to_contain_text("the platform knew the buyer")


def test_columns_and_order_are_chosen_and_stay_in_the_address(reader: Reader) -> None:
    page = reader.page
    reader.open("Channels")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Visits").check()
    page.get_by_role("button", name="Show these").click()
    page.get_by_role("link", name="Visits", exact=True).click()
    expect(page.get_by_role("columnheader", name="Visits")).to_have_attribute(
        "aria-sort", "descending"
    )
    assert "sort=-visits" in page.url
    assert "columns=visits" in page.url


def test_filters_apply_at_once_and_make_a_link_to_share(reader: Reader) -> None:
    page = reader.page
    reader.open("Channels")
    page.get_by_label("Buyers", exact=True).select_option("new")
    page.wait_for_url("**buyers=new**")
    page.get_by_role("link", name="7 days").click()
    page.wait_for_url("**days=7**")
    assert "buyers=new" in page.url
    expect(page.get_by_label("Buyers", exact=True)).to_have_value("new")


def test_a_table_is_taken_along_as_csv_and_as_json(reader: Reader) -> None:
    page = reader.page
    reader.open("Orders")
    with saved(page, "Orders, the newest first as CSV").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["name"] for line in lines} == {"#8001", "#8002", "#8003"}
    told = page.context.request.get(
        page.url.split("/orders")[0]
        + str(page.get_by_role("link", name="first as JSON").get_attribute("href"))
    )
    rows = json.loads(told.text())["rows"]
    assert [row["value"] for row in rows] == [line["value"] for line in lines]


def test_events_come_by_themselves(reader: Reader, shop: Live, look: Look) -> None:
    page = reader.page
    reader.open("Events")
    expect(page.locator("#tail-state")).to_contain_text("Live", timeout=10_000)
    name = f"live-lead-{look.width}"
    lead = {"event_name": "Lead", "event_id": name, "user_data": {"em": "a@mail.example"}}
    assert shop.post("/events/demo", lead).status == 200
    row = page.get_by_role("row", name=name).first
    expect(row).to_contain_text("delivered", timeout=15_000)


def test_an_event_is_searched_and_read_without_a_name_in_it(reader: Reader) -> None:
    page = reader.page
    reader.open("Events")
    page.get_by_label("Event id, order id or number").fill("8001")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_role("rowheader").get_by_role("link", name="Purchase").first.click()
    expect(title(page)).to_contain_text("Purchase")
    payload = page.get_by_role("region", name="Payload, as it is sent")
    expect(payload).to_contain_text(EMAIL)
    assert "mail.example" not in page.content().lower()
    assert BROWSER not in page.content()
    expect(page.get_by_role("region", name="What is odd about it")).to_be_visible()
    expect(table(page, "Every move of it")).to_contain_text("delivered")


def test_a_test_event_is_sent_and_found_under_its_code(reader: Reader, look: Look) -> None:
    page, code = reader.page, f"TEST{look.width}"
    reader.open("Events")
    page.get_by_label("Code of the platform's Test Events tab").fill(code)
    page.get_by_role("button", name="Send a test event").click()
    expect(page.get_by_role("status").first).to_contain_text("took the test event")
    page.get_by_label("Test code", exact=True).fill(code)
    page.get_by_role("button", name="Show", exact=True).click()
    rows = table(page, "What the platform received").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(code)


def test_a_span_of_time_is_looked_at_and_then_goes_again(reader: Reader, shop: Live) -> None:
    page, zone = reader.page, shop.get("/setup.json")["tables"][-1]["rows"][0]["timezone"]
    reader.open("Replay")
    now = page.evaluate(
        "zone => new Date().toLocaleString('sv', {timeZone: zone}).replace(' ', 'T')", zone
    )
    begin = datetime.fromisoformat(now) - timedelta(hours=1)
    end = datetime.fromisoformat(now) + timedelta(minutes=5)
    page.get_by_label("Received from").fill(begin.isoformat(timespec="minutes"))
    page.get_by_label("Until").fill(end.isoformat(timespec="minutes"))
    page.get_by_role("button", name="See what would happen").click()
    expect(page.get_by_role("heading", name="1 of 1 would go again")).to_be_visible()
    page.get_by_role("button", name="Send 1 again").click()
    expect(page.get_by_role("status")).to_contain_text("goes again, with the same id")
    assert shop.purchase(NUMBER)["outcomes"][0]["state"] == "delivered"
    refuse(shop, NUMBER)


def test_quality_tells_what_a_key_would_add_and_opens_the_orders_of_a_reason(
    reader: Reader,
) -> None:
    page = reader.page
    reader.open("Quality")
    before = table(page, "Before sending").get_by_role("row", name="Purchase")
    expect(before).to_contain_text("100.0%")
    expect(before).to_contain_text("click id")
    purchases = table(page, "Events the platform received from the server").get_by_role(
        "row", name="Purchase"
    )
    expect(purchases).to_contain_text("real time")
    expect(
        table(page, "Match keys of Purchases").get_by_role("row", name="birthday")
    ).to_contain_text("0.")
    by_day = table(page, "Web orders by day").locator("tbody tr").first
    expect(by_day).to_contain_text("33.3%")
    expect(table(page, "Latest web orders by browser")).to_be_visible()
    page.get_by_role("link", name="Own attribution and the platform both").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("#8001")


def test_the_platforms_claim_stands_by_window_beside_the_shops_own(reader: Reader) -> None:
    page = reader.page
    reader.open("Ads")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="Claimed value").check()
    page.get_by_role("button", name="Show these").click()
    row = page.get_by_role("row", name="Tea")
    assert [text.strip() for text in row.get_by_role("cell").all_inner_texts()] == [
        "$29.50", "1", "1", "0", "0", "1", f"2.00{TIMES}", f"2.00{TIMES}", "$59.00",
    ]  # fmt: skip


def test_models_are_compared_by_choosing_one(reader: Reader) -> None:
    page = reader.page
    reader.open("Models and journeys")
    page.get_by_role("combobox", name="Model").select_option(label="First visit")
    page.wait_for_url("**model=first**")
    compared = table(page, "Revenue by channel under each model")
    expect(compared.get_by_role("columnheader").nth(1)).to_have_text("First visit")
    expect(table(page, "Top paths to an order")).to_contain_text("Paid Social")
    expect(table(page, "From the first visit to the order")).to_contain_text("within an hour")


def test_a_cohort_tells_what_winning_it_cost_and_that_it_was_brought_back(reader: Reader) -> None:
    page = reader.page
    reader.open("Cohorts")
    row = table(page, "What a customer of each cohort has spent").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("in the first month")
    assert [text.split() for text in row.get_by_role("cell").all_inner_texts()] == [
        ["3"], ["$9.83"], ["in", "the", "first", "month"], ["$59.00", "100.0%"],
    ]  # fmt: skip


def test_a_bad_spend_file_is_told_and_a_good_one_counts(reader: Reader, tmp_path: Path) -> None:
    page = reader.page
    heading = "date,platform,campaign,spend,currency\n"
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(f"{heading}yesterday,tiktok,Spring,12.50,USD\n")
    good.write_text(f"{heading}2020-11-20,tiktok,Spring,12.50,USD\n")
    reader.open("Spend")
    page.get_by_label("A file of spend (CSV)").set_input_files(bad)
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("heading", name="bad.csv")).to_be_visible()
    expect(table(page, "What is wrong in the file")).to_contain_text("yesterday")
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    page.get_by_label("Another file").set_input_files(good)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Import 1 rows").click()
    expect(page.get_by_role("status")).to_contain_text("1 rows of good.csv count now")
    expect(table(page, "Spend that counts")).to_contain_text("$12.50")


def test_a_misspelled_tag_is_named_and_a_good_link_is_built(reader: Reader) -> None:
    page = reader.page
    reader.open("UTM health")
    wrong = table(page, "What is wrong with tags").get_by_role("row", name="has capitals")
    expect(wrong).to_contain_text("Typo")
    typed = {"Page": "https://tea.example/p?a=1", "Source": "newsletter", "Medium": "email"}
    for label, text in typed.items():
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("Campaign", exact=True).fill("Spring Sale")
    page.get_by_role("button", name="Build").click()
    built = page.get_by_role("region", name="Build a link")
    expect(built.locator("code")).to_have_text(
        "https://tea.example/p?a=1&utm_source=newsletter&utm_medium=email&utm_campaign=spring-sale"
    )
    page.get_by_label("Source", exact=True).fill("ada@mail.example")
    page.get_by_role("button", name="Build").click()
    expect(built.get_by_role("alert")).to_contain_text("no e-mail belongs in a link")
