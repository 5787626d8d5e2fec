#!/usr/bin/env bash
# Send with Meta's own clients to a running receiver, in an environment apart.
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted=$(cksum requirements/clients.txt tests/clients/package-lock.json)
if [ "$(cat .venv-clients/.made 2>/dev/null)" != "$wanted" ]; then
    rm -rf .venv-clients
    .venv/bin/python -m venv .venv-clients
    .venv-clients/bin/python -m pip install --quiet --require-hashes -r requirements/clients.txt
    (cd tests/clients && npm ci --no-audit --no-fund --ignore-scripts)
    echo '*' > .venv-clients/.gitignore
    echo "$wanted" > .venv-clients/.made
fi
exec .venv/bin/python -m tests.clients.check
