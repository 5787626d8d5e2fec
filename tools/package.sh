#!/usr/bin/env bash
# Build wheel and sdist, install the wheel where there is nothing else, and run it from there.
set -euo pipefail
cd "$(dirname "$0")/.."
made=$(mktemp -d); trap 'rm -rf "$made"' EXIT
tools/alone.sh "$made/env"
cd "$made"
./env.run tillpost --version
./env.run tillpost init shop --domain acme.myshopify.com >/dev/null
./env.run tillpost config check --config shop/tillpost.toml
./env.run tillpost demo --orders 40 --days 2 --seed 7 --exit --json >demo.json
./env.run python - <<'PY'
import json
told = json.load(open("demo.json"))
assert told["counted"] == told["both"] + told["server_only"] and told["ledger"]["balanced"], told
print(f"demo: {told['counted']} orders counted, the ledger balances")
PY
