#!/usr/bin/env bash
# alone.sh ENV: build sdist and wheel into dist/, install the wheel with the locked packages
# into the empty environment ENV, where there is neither a compiler nor Node, and say what it
# weighs. Beside it ENV.run stands: `ENV.run COMMAND...` runs a command there in the same way.
set -euo pipefail
cd "$(dirname "$0")/.."
env=$(realpath -m "$1")
python=$PWD/.venv/bin/python
export PATH=$PWD/.venv/bin:$PATH
made=$(mktemp -d); trap 'rm -rf "$made"' EXIT
rm -rf "$env" "$env.tools" "$env.run"
mkdir -p dist "$env.tools"
rm -f dist/tillpost-*

"$python" -c 'import uv_build; print(uv_build.build_sdist("dist"))' | tail -1
tar -xzf dist/tillpost-*.tar.gz -C "$made" --strip-components 1
# The wheel is made from the sdist, so that what is published is whole.
(cd "$made" && "$python" -c 'import sys, uv_build; print(uv_build.build_wheel(sys.argv[1]))' "$OLDPWD/dist") | tail -1

for tool in sh env cat mkdir rm uname; do ln -s "$(command -v $tool)" "$env.tools/"; done
# shellcheck disable=SC2016  # TMPDIR is read when the script runs
printf '#!/bin/sh\nexec env -i HOME="%s" PATH="%s:%s" TMPDIR="${TMPDIR:-/tmp}" "$@"\n' \
    "$env.tools" "$env/bin" "$env.tools" >"$env.run"
chmod +x "$env.run"
"$python" -m venv "$env"
pip() { "$env.run" pip "$@" --quiet --disable-pip-version-check; }
pip install --no-cache-dir --no-compile --only-binary :all: --require-hashes -r requirements/run.txt
pip install --no-compile --no-deps dist/tillpost-*.whl
pip uninstall --yes setuptools pip

"$env.run" python - <<'PY'
import importlib.metadata as metadata

def size(dist):
    files = (f.locate() for f in dist.files or () if "__pycache__" not in str(f))
    return sum(f.stat().st_size for f in files if f.is_file())

dists = [*metadata.distributions()]
all_of_it, own = sum(map(size, dists)), size(metadata.distribution("tillpost"))
extras = ", ".join(metadata.metadata("tillpost").get_all("Provides-Extra") or ["none"])
print(f"installed: {len(dists) - 1} dependencies, {all_of_it / 1e6:.0f} MB in all, {own / 1e6:.1f} MB of it Tillpost; extras: {extras}")
PY
for file in dist/tillpost-*; do echo "$(stat -c %s "$file") $file"; done
