"""Bad input: a clear answer, and nothing lost or doubled."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.live import Live
from tests.orders import order


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tillpost", *arguments], capture_output=True, text=True, check=False
    )


def _nothing_stored(server: Live) -> bool:
    return not server.get("/api/v1/events")["items"] and not server.get("/api/v1/bad-rows")["items"]


def test_a_forged_signature_is_401_and_leaves_nothing(server: Live) -> None:
    reply = server.webhook(order(), secret="another secret")
    assert reply.status == 401
    assert reply.json()["error"]["field"] == "X-Shopify-Hmac-Sha256"
    assert _nothing_stored(server)


def test_a_missing_signature_is_401_and_leaves_nothing(server: Live) -> None:
    reply = server.ask("POST", "/webhooks/shopify/demo", b"{}", x_shopify_topic="orders/create")
    assert reply.status == 401
    assert _nothing_stored(server)


def test_broken_json_with_a_good_signature_is_kept_as_a_bad_row(server: Live) -> None:
    assert server.signed(b'{"id": 1, "email": "eve@mail.example"').status == 200
    (row,) = server.get("/api/v1/bad-rows")["items"]
    assert (row["reason"], row["shop"]) == ("not_json", "demo")
    assert not server.get("/api/v1/events")["items"]
    kept = b"".join(p.read_bytes() for p in server.data.glob("tillpost.db*"))
    assert b"eve@mail.example" not in kept


def test_the_same_webhook_twice_is_one_event(server: Live) -> None:
    made = order(1010)
    assert [server.webhook(made).status for _ in range(3)] == [200, 200, 200]
    server.purchase(str(made["id"]))
    items = server.get(f"/api/v1/events?order_id={made['id']}")["items"]
    assert len(items) == 1
    assert len(server.get("/api/v1/reports/orders")["rows"]) == 1


def test_an_order_without_identifiers_is_counted_and_dropped_with_its_reason(server: Live) -> None:
    made = order(
        1011,
        source_name="pos",
        app_id=129785,
        email="",
        customer=None,
        billing_address=None,
        client_details=None,
        browser_ip=None,
        checkout_token=None,
    )
    assert server.webhook(made).status == 200
    item = server.purchase(str(made["id"]))
    assert item["outcomes"][0]["state"] == "dropped"
    assert item["outcomes"][0]["reason"] == "no_match_keys"
    (row,) = server.get("/api/v1/reports/orders")["rows"]
    assert (row["order_id"], row["server"]) == (str(made["id"]), True)
    found = server.get("/api/v1/ledger")
    assert found["destinations"][0]["dropped"] == {"no_match_keys": 1}
    assert found["balanced"] is True


def test_an_unknown_currency_is_a_bad_row_and_stops_nothing(server: Live) -> None:
    strange = order(1012, currency="ZZZ", total_price_set=None, presentment_currency="ZZZ")
    assert server.webhook(strange).status == 200
    assert server.webhook(order(1013)).status == 200
    server.purchase(str(order(1013)["id"]))
    (row,) = server.get("/api/v1/bad-rows")["items"]
    assert "ZZZ" in row["detail"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/webhooks/shopify/nobody", 404),
        ("/webhooks/nothing/demo", 404),
        ("/px/nobody", 404),
        ("/api/v1/reports/orders", 401),
        ("/api/v1/ledger", 401),
        ("/events/demo", 401),
        ("/receiver/people", 401),
    ],
)
def test_wrong_addresses_and_missing_keys_are_told(server: Live, path: str, status: int) -> None:
    method = "GET" if path.startswith("/api") else "POST"
    reply = server.ask(method, path, b"{}" if method == "POST" else None)
    assert reply.status == status
    assert reply.json()["error"]


def test_a_beacon_over_its_limit_is_413(server: Live) -> None:
    reply = server.ask("POST", "/px/demo", b" " * (64 * 1024 + 1), content_type="text/plain")
    assert reply.status == 413


def test_a_foreign_page_is_not_believed(server: Live) -> None:
    reply = server.beacon({"event_name": "PageView"}, origin="https://evil.example")
    assert reply.status == 403
    assert _nothing_stored(server)


def test_the_root_asks_for_a_session(server: Live) -> None:
    reply = server.ask("GET", "/")
    assert (reply.status, reply.headers["location"]) == (303, "/login")


def test_a_taken_port_is_one_line_and_exit_2(server: Live, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    done = _run("serve", f"--port={port}", f"--data={tmp_path / 'other'}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert port in done.stderr
    assert "--port" in done.stderr


def test_a_used_directory_is_one_line_and_exit_2(server: Live) -> None:
    done = _run("serve", f"--data={server.data}", "--port=1")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_directory_that_cannot_be_is_one_line_and_exit_2(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no directory")
    done = _run("serve", f"--data={file}", "--port=18499")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--data" in done.stderr


def test_an_unknown_key_is_told_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    config = tmp_path / "tillpost.toml"
    config.write_text('[server]\nhost = "127.0.0.1"\nprot = 1\n')
    done = _run("serve", f"--config={config}")
    assert done.returncode == 2
    assert done.stderr == (
        f"tillpost: {config}:3: unknown key `server.prot`; did you mean `port`?\n"
    )


def test_reports_of_no_directory_are_one_line_and_exit_2(tmp_path: Path) -> None:
    done = _run("report", "orders", f"--data={tmp_path}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_the_command_line_reads_beside_the_server(server: Live) -> None:
    made = order(1014)
    server.webhook(made)
    server.purchase(str(made["id"]))
    shown = _run("report", "orders", f"--data={server.data}", "--json")
    assert [r["order_id"] for r in json.loads(shown.stdout)["rows"]] == [str(made["id"])]
    told = _run("ledger", f"--data={server.data}", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout)["balanced"] is True
