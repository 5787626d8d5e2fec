#!/usr/bin/env bash
# All checks and tests. What a test needs beside Python is installed where that is allowed;
# what cannot be had is left out and said so, or fails with TILLPOST_ALL=1.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1 ||
            echo "chromium could not be installed: browser tests are left out" >&2
    else
        echo "no chromium: browser tests are left out (sudo apt-get install chromium)" >&2
    fi
fi
tools/lint.sh
exec .venv/bin/python -m pytest "$@"
