"""Spend and rates from files: by command and by API, beside a running server and without one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.live import Live

KOSTEN = "Tag;Kampagne;Kosten\n20.11.2026;Herbst;10,00\n21.11.2026;Herbst;20,00\n"
MAPPED = ("--map", "day=Tag", "--map", "campaign=Kampagne", "--map", "spend=Kosten")
RATES = "date,currency,into,rate\n2026-11-20,EUR,USD,1.10\n"


def run(*args: str | Path) -> subprocess.CompletedProcess[str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
    command = [sys.executable, "-m", "tillpost", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=plain, check=False)


def channels(data: Path) -> list[dict[str, Any]]:
    found = run("report", "channels", "--data", data, "--json")
    assert found.returncode == 0, found.stderr
    rows: list[dict[str, Any]] = json.loads(found.stdout)["rows"]
    return rows


def test_a_file_of_other_headings_goes_through_the_running_server(
    server: Live, tmp_path: Path
) -> None:
    file = tmp_path / "kosten.csv"
    file.write_text(KOSTEN)
    given = (file, "--data", server.data, "--platform", "meta", "--currency", "EUR")

    shown = run("costs", "import", *given, *MAPPED, "--dry-run")
    assert "would import 2 rows of 2026-11-20 to 2026-11-21: 30.00 EUR" in shown.stdout
    assert "spend: Kosten" in shown.stdout
    assert channels(server.data) == []

    for _ in range(2):
        done = run("costs", "import", *given, *MAPPED)
        assert (done.returncode, done.stdout) == (0, "imported 2 rows\n")
    (row,) = channels(server.data)
    assert (row["spend"], row["currency"]) == ("30.00", "EUR")

    rates = tmp_path / "rates.csv"
    rates.write_text(RATES)
    assert run("rates", "import", rates, "--data", server.data).stdout == "imported 1 rows\n"
    (row,) = channels(server.data)
    assert (row["spend"], row["currency"]) == ("33.00", "USD")


def test_wrong_files_and_flags_are_told_in_one_line_each(server: Live, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(
        "date,platform,campaign,spend,currency\nx,meta,A,1,USD\n2026-11-20,meta,A,?,USD\n"
    )
    done = run("costs", "import", file, "--data", server.data)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"{file}:2: day: 'x' is not a day; write it as 2026-11-20, or give its format",
        f"{file}:3: spend: '?' is not an amount; write it as 1234.50, not negative",
    ]
    for flags, words in (
        (("--map", "spend"), "write it as FIELD=HEADING"),
        (("--map", "costs=x"), "there is no field 'costs' to map"),
        (("--currency", "Taler"), "unknown currency 'Taler'"),
        (("--shop", "other"), "name a shop with --shop; shops: demo"),
    ):
        wrong = run("costs", "import", file, "--data", server.data, *flags)
        assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
        assert words in wrong.stderr


def test_without_a_server_the_store_is_written_itself(server: Live, tmp_path: Path) -> None:
    server.process.terminate()
    server.process.wait(timeout=20)
    file = tmp_path / "rates.csv"
    file.write_text(RATES + "2026-11-20,EUR,Taler,1\n")
    done = run("rates", "import", file, "--data", server.data)
    assert (done.returncode, done.stdout) == (1, "imported 0 rows\n")
    assert done.stderr.startswith(f"{file}:3: into: 'TALER' is not a currency")
    file.write_text(RATES)
    assert run("rates", "import", file, "--data", server.data).returncode == 0


def test_the_api_previews_and_takes_files(server: Live) -> None:
    key = f"Bearer {server.secrets['server_key']}"
    query = "?map.day=Tag&map.campaign=Kampagne&map.spend=Kosten&platform=meta&currency=EUR"
    body = KOSTEN.encode()
    shown = server.ask("POST", f"/api/v1/spend/demo{query}&dry_run=1", body, authorization=key)
    found = shown.json()
    assert (found["count"], found["imported"], found["errors"]) == (2, 0, [])
    assert found["rows"][0]["spend"] == "10.00"
    assert found["spend"] == [{"currency": "EUR", "amount": "30.00"}]
    done = server.ask("POST", f"/api/v1/spend/demo{query}", body, authorization=key)
    assert done.json() == {"imported": 2, "errors": [], "wrong": 0}
    rates = server.ask("POST", "/api/v1/rates", RATES.encode(), authorization=key)
    assert rates.json() == {"imported": 1, "errors": [], "wrong": 0}
    assert server.get("/api/v1/reports/channels?currency=EUR")["rows"][0]["spend"] == "30.00"
    assert server.get("/api/v1/reports/rates")["rows"] == []
    assert server.ask("POST", "/api/v1/rates", b"").status == 401


def test_links_are_built_and_templates_shown_by_the_api(server: Live) -> None:
    told = server.get("/api/v1/link?url=https://shop.example/tea&source=Anna&medium=Email")
    assert told == {"url": "https://shop.example/tea?utm_source=anna&utm_medium=email"}
    assert "{{ad.id}}" in server.get("/api/v1/link")["templates"]["meta"]["tags"]
    key = f"Bearer {server.secrets['server_key']}"
    wrong = server.ask("GET", "/api/v1/link?url=tea&source=a&medium=b", authorization=key)
    assert wrong.status == 400


def test_what_products_cost_is_imported(server: Live, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("sku,cost\nTEA,4.50\n")
    done = run("costs", "products", file, "--data", server.data)
    assert (done.returncode, done.stdout) == (0, "imported 1 rows\n")
    file.write_text("sku,cost\nTEA,much\n")
    wrong = run("costs", "products", file, "--data", server.data)
    assert wrong.returncode == 1
    assert f"{file}:2: cost: amount 'much' is not money" in wrong.stderr
    assert server.get("/api/v1/reports/metrics")["rows"] == []
