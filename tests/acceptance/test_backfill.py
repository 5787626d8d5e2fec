"""Past orders from a stand-in for the Admin API, into a server that runs and into one that not."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live import Live, free_port, wait_for, wait_until_up
from tests.orders import iso, order
from tests.shopify_admin import TOKEN, AdminApi, admin_api, graphql_order

DAY = 86400.0


def _command(api: AdminApi, data: Path, *flags: str) -> "subprocess.CompletedProcess[bytes]":
    """What the command said, and its exit code."""
    with _started(api, data, *flags) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def _started(api: AdminApi, data: Path, *flags: str) -> "subprocess.Popen[bytes]":
    """The command on a development directory, pointed at the stand-in by the environment."""
    settings = data / "backfill.toml"
    secrets = json.loads((data / "dev-secrets.json").read_text())
    settings.write_text(
        "[[shops]]\n"
        'name = "demo"\n'
        'domain = "demo-shop.myshopify.com"\n'
        f'server_keys = [{{ key = "{secrets["server_key"]}", scopes = ["admin"] }}]\n'
        "[shops.shopify]\n"
        f'access_token = "{TOKEN}"\n'
        f'admin_url = "{api.url}"\n'
    )
    since = iso(400 * DAY)[:10]
    command = [sys.executable, "-m", "tillpost", "backfill", "--config", str(settings)]
    command += ["--data", str(data), "--since", since, "--until", iso(-DAY)[:10], "--json"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, *flags], stdout=pipe, stderr=pipe, env=clean)


def _report(server: Live) -> dict[str, dict[str, Any]]:
    return {row["order_id"]: row for row in server.get("/api/v1/reports/orders")["rows"]}


def test_old_orders_feed_the_reports_and_young_ones_are_sent(server: Live) -> None:
    old = [graphql_order(100 + n, iso(30 * DAY)) for n in range(4)]
    young = graphql_order(200, iso(DAY))
    refund = {"shopMoney": {"amount": "10.00", "currencyCode": "USD"}}
    old[3]["refunds"] = [
        {"legacyResourceId": "9", "createdAt": iso(29 * DAY), "totalRefundedSet": refund}
    ]
    with admin_api([*old, young]) as api:
        api.trouble = [502, "THROTTLED"]
        done = _command(api, server.data, "--how", "pages")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "orders": 5,
        "bad": 0,
        "journeys_not_ready": 0,
        "done": True,
    }
    outcomes = {number: server.purchase(number)["outcomes"][0] for number in ("100", "200")}
    assert (outcomes["100"]["state"], outcomes["100"]["reason"]) == ("expired", "too_old")
    assert outcomes["200"]["state"] == "delivered"
    rows = wait_for(lambda: r if len(r := _report(server)) == 5 else None)
    assert (rows["100"]["source"], rows["100"]["campaign"]) == ("facebook", "Spring")
    assert rows["103"]["refunded"] == "10.00"
    tables = server.get("/order.json?id=100")["tables"]
    opinion = next(t["rows"] for t in tables if t["name"] == "second_opinion")
    assert [(row["which"], row["shop_source"]) for row in opinion] == [
        ("first", "Google"),
        ("last", "facebook / cpc / Spring"),
    ]


def test_a_pull_that_is_ended_goes_on_and_a_webhook_of_the_same_order_is_one_sale(
    server: Live,
) -> None:
    made = order(1001)
    assert server.webhook(made).status == 200
    known = graphql_order(made["id"], iso(5), checkoutToken=made["checkout_token"])
    orders = [graphql_order(300 + n, iso(40 * DAY)) for n in range(5)]
    with admin_api([*orders, known]) as api:
        ended = _ended_after_one_page(api, server)
        assert (ended.returncode, b"scope" in ended.stderr) == (2, True)
        asked = len(api.asked)
        done = _command(api, server.data, "--how", "pages")
        assert json.loads(done.stdout)["orders"] == 6
        assert api.asked[asked]["variables"]["after"] == "2"
    assert server.purchase(str(made["id"]))["outcomes"][0]["state"] == "delivered"
    (item,) = server.get(f"/api/v1/events?order_id={made['id']}")["items"]
    assert item["source"] == "shopify"


def test_a_pull_that_is_killed_goes_on_where_it_was(server: Live) -> None:
    with admin_api([graphql_order(700 + n, iso(40 * DAY)) for n in range(5)]) as api:
        assert _killed_on_the_second_page(api, server) == -signal.SIGKILL
        asked = len(api.asked)
        done = json.loads(_command(api, server.data, "--how", "pages").stdout)
        assert (done["orders"], done["done"]) == (5, True)
        assert api.asked[asked]["variables"]["after"] == "2"
    told = [order_id for order_id in _report(server) if order_id.startswith("70")]
    assert len(told) == 5


def _killed_on_the_second_page(api: AdminApi, server: Live) -> int:
    """The exit code of a pull that dies while it waits for its second page."""
    answer, asked, over = api.answer, threading.Event(), threading.Event()

    def once(path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        if (body.get("variables") or {}).get("after"):
            asked.set()
            over.wait(20)
        return answer(path, body, token)

    api.answer = once  # type: ignore[method-assign]
    with _started(api, server.data, "--how", "pages") as process:
        assert asked.wait(20)
        process.kill()
    over.set()
    api.answer = answer  # type: ignore[method-assign]
    return process.returncode


def _ended_after_one_page(api: AdminApi, server: Live) -> "subprocess.CompletedProcess[bytes]":
    """A pull whose second page is refused."""
    answer = api.answer

    def once(path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        return (
            (403, {}) if (body.get("variables") or {}).get("after") else answer(path, body, token)
        )

    api.answer = once  # type: ignore[method-assign]
    try:
        return _command(api, server.data, "--how", "pages")
    finally:
        api.answer = answer  # type: ignore[method-assign]


def test_a_bulk_file_goes_in_without_a_server_and_for_the_reports_only(server: Live) -> None:
    server.process.terminate()
    server.process.wait(timeout=15)
    orders = [graphql_order(500 + n, iso(DAY)) for n in range(3)]
    orders[1]["totalPriceSet"] = "much"
    orders[2]["customerJourneySummary"]["ready"] = False
    with admin_api(orders) as api:
        done = _command(api, server.data, "--reports-only")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["orders"], told["bad"], told["journeys_not_ready"]) == (2, 1, 1)


def test_a_token_that_is_not_valid_and_dates_that_make_no_sense_are_told(server: Live) -> None:
    with admin_api([]) as api:
        api.answer = lambda *_: (401, {})  # type: ignore[method-assign]
        done = _command(api, server.data)
        assert (done.returncode, b"access_token" in done.stderr) == (2, True)
        assert _command(api, server.data, "--since", "soon").returncode == 2
        assert _command(api, server.data, "--until", "2020-01-01").returncode == 2


SETTINGS = """
[server]
data = "{data}"
private_networks = ["127.0.0.0/8"]
[[shops]]
name = "demo"
domain = "demo-shop.myshopify.com"
server_keys = [{{ key = "key-of-the-demo-0000", scopes = ["reports", "admin"] }}]
[shops.shopify]
access_token = "{token}"
admin_url = "{url}"
[shops.orders]
join_wait = 0.1
[[destinations]]
kind = "faulty"
shop = "demo"
"""


@contextmanager
def _with_token(place: Path, api: AdminApi) -> Iterator[Live]:
    """A server whose shop's Admin API may be asked."""
    data = place / "data"
    data.mkdir()
    settings = data / "tillpost.toml"
    settings.write_text(SETTINGS.format(data=data, token=TOKEN, url=api.url))
    command = [sys.executable, "-m", "tillpost", "serve", "--config", str(settings)]
    port = free_port()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
    process = subprocess.Popen(
        [*command, f"--port={port}"], env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        yield Live(url, data, {"server_key": "key-of-the-demo-0000"}, process)
    finally:
        process.terminate()
        text, _ = process.communicate(timeout=20)
        assert TOKEN.encode() not in text


def _reconcile(*flags: str) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "tillpost", "reconcile", *flags]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
    return subprocess.run(command, capture_output=True, check=False, env=clean)


def test_a_lost_webhook_is_found_and_taken_in_by_the_running_server(tmp_path: Path) -> None:
    with admin_api([graphql_order(200, iso(DAY))]) as api, _with_token(tmp_path, api) as server:
        flags = ["--config", str(server.data / "tillpost.toml"), "--json"]
        listed = _reconcile(*flags)
        assert listed.returncode == 1, listed.stderr
        (row,) = json.loads(listed.stdout)["missing"]
        assert (row["name"], row["value"], row["why"]) == ("#200", "59.00", "webhook_never_came")
        fetched = _reconcile(*flags, "--fetch")
        assert (fetched.returncode, json.loads(fetched.stdout)["fetched"]) == (0, 1)
        assert server.purchase("200")["outcomes"][0]["state"] == "delivered"
        again = json.loads(_reconcile(*flags).stdout)
        assert (again["orders"], again["right"], again["accuracy"]) == (1, 1, 1.0)
        assert server.post("/api/v1/reconcile/demo", {"since": "soon"}).status == 400
        (check,) = wait_for(lambda: server.get("/api/v1/reconcile")["items"])
        assert (check["shop"], check["missing"], check["trouble"]) == ("demo", 0, None)
        told = server.ask("GET", "/metrics").body.decode()
        assert 'tillpost_order_accuracy{shop="demo"}' in told
        assert 'tillpost_orders_missing{shop="demo"} 0.0' in told
