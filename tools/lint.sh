#!/usr/bin/env bash
# Style, types, import rule, generated docs, sizes. Stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/ruff check --quiet
$bin/ruff format --check --quiet
$bin/bandit --quiet --recursive src --configfile pyproject.toml
$bin/mypy
$bin/lint-imports --no-cache 2>&1 | sed -n '/^Contracts$/,$p'
$bin/cog --check -I . $(grep -lr --include='*.md' '\[\[\[cog' docs README.md 2>/dev/null || true) || [ -z "$(grep -lr --include='*.md' '\[\[\[cog' docs README.md)" ]
$bin/python -m docs.llms --check
$bin/python tools/sizes.py
