#!/usr/bin/env bash
# Compare our spellings with those of Meta's own packages, in an environment apart.
# With --install-only, make that environment and stop. Arguments go to compare.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
wanted=$(cksum requirements/oracles.txt)
if [ "$(cat .venv-oracles/.made 2>/dev/null)" != "$wanted" ]; then
    rm -rf .venv-oracles
    .venv/bin/python -m venv .venv-oracles
    .venv-oracles/bin/python -m pip install --quiet --require-hashes -r requirements/oracles.txt
    echo '*' > .venv-oracles/.gitignore
    echo "$wanted" > .venv-oracles/.made
fi
[ "${1:-}" = --install-only ] && exit
[ ! -d "${TILLPOST_SHARED:-../shared}" ] || .venv/bin/python -m tests.oracles.vectors
exec .venv/bin/python -m tests.oracles.compare "$@"
