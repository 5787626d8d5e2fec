#!/usr/bin/env bash
# Build wheel and sdist, install the wheel in an empty environment where there is neither a
# compiler nor Node, run it from there, and state its size and the number of dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python
export PATH=$PWD/.venv/bin:$PATH
made=$(mktemp -d); trap 'rm -rf "$made"' EXIT
mkdir -p dist; rm -f dist/tillpost-*

"$python" -c 'import uv_build; print(uv_build.build_sdist("dist"))' | tail -1
mkdir "$made/sdist"; tar -xzf dist/tillpost-*.tar.gz -C "$made/sdist" --strip-components 1
# The wheel is made from the sdist, so that what is published is whole.
(cd "$made/sdist" && "$python" -c 'import sys, uv_build; print(uv_build.build_wheel(sys.argv[1]))' "$OLDPWD/dist") | tail -1

"$python" -m venv "$made/env"
mkdir "$made/bin"
for tool in sh env cat mkdir rm uname; do ln -s "$(command -v $tool)" "$made/bin/"; done
alone() { env -i HOME="$made" PATH="$made/bin" TMPDIR="$made" "$@"; }
alone "$made/env/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --only-binary :all: dist/tillpost-*.whl

cd "$made"
alone "$made/env/bin/tillpost" --version
alone "$made/env/bin/tillpost" init shop --domain acme.myshopify.com >/dev/null
alone "$made/env/bin/tillpost" config check --config shop/tillpost.toml
alone "$made/env/bin/tillpost" demo --orders 40 --days 2 --seed 7 --exit --json >demo.json
alone "$made/env/bin/python" - <<'PY'
import importlib.metadata as metadata, json, pathlib
told = json.load(open("demo.json"))
assert told["counted"] == told["both"] + told["server_only"] and told["ledger"]["balanced"], told
print(f"demo: {told['counted']} orders counted, the ledger balances")
dists = [d for d in metadata.distributions() if d.name not in {"pip", "setuptools"}]
size = sum(f.locate().stat().st_size for d in dists for f in d.files or () if f.locate().is_file() and "__pycache__" not in str(f))
own = metadata.distribution("tillpost")
mine = sum(f.locate().stat().st_size for f in own.files or () if f.locate().is_file() and "__pycache__" not in str(f))
print(f"installed: {len(dists) - 1} dependencies, {size / 1e6:.0f} MB in all, {mine / 1e6:.1f} MB of it Tillpost")
PY
ls -l "$OLDPWD"/dist/tillpost-* | awk '{print $5, $9}' | sed "s#$OLDPWD/##"
