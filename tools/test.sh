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
missing=$(for tool in strace fusermount3; do command -v $tool >/dev/null || echo "${tool/usermount3/use3}"; done)
if [ -n "$missing" ]; then
    # The drills inject faults with strace and cut the power of a file system of their own.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        # shellcheck disable=SC2086  # one word a package
        (apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing) >/dev/null 2>&1 ||
            echo "$missing could not be installed: some drills are left out" >&2
    else
        echo "no $missing: some drills are left out (sudo apt-get install $missing)" >&2
    fi
fi
pixel=src/tillpost/collect/pixel
if [ $pixel/package-lock.json -nt $pixel/node_modules/.package-lock.json ]; then
    # Only the test that the built script is what its source gives needs Node.
    if ! command -v npm >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        (apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm) >/dev/null 2>&1 || true
    fi
    if command -v npm >/dev/null; then
        npm ci --prefix $pixel --no-audit --no-fund --silent || echo "npm ci failed: the pixel's build is not checked" >&2
    else
        echo "no npm: the pixel's build is not checked (sudo apt-get install npm)" >&2
    fi
fi
if [ ! -d tests/browser/node_modules ] && command -v npm >/dev/null; then
    npm ci --prefix tests/browser --no-audit --no-fund --silent --ignore-scripts || echo "npm ci failed: axe is left out" >&2
fi
tools/lint.sh
[ $# -eq 0 ] || exec .venv/bin/python -m pytest "$@"
# Two halves beside each other: what plays pages and guides, and all else, which is printed when
# it ends. Every branch of the rules is walked; a whole run proves it.
cover=(.venv/bin/coverage run --parallel-mode --source=tillpost.core -m pytest)
half=(tests/cli tests/collect tests/conformance tests/core tests/deliver tests/drills tests/receive tests/report tests/serve tests/store)
rm -f .coverage .coverage.*
beside() {
    local told failed=0
    told=$("${cover[@]}" "${half[@]}" 2>&1) || failed=1
    printf '\nthe half beside:\n%s\n' "$told"
    return $failed
}
beside &
failed=0
"${cover[@]}" "${half[@]/#/--ignore=}" || failed=1
wait $! || failed=1
.venv/bin/coverage combine --quiet
.venv/bin/coverage report --skip-covered --show-missing --fail-under=100 || failed=1
exit $failed
