#!/usr/bin/env bash
# Install Tillpost alone into an empty environment, and say what is inside: build/sbom.json
# (CycloneDX) and, on the terminal, how many packages of which size. No compiler, no Node.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
env=build/alone

tool=.venv-sbom
[ -x $tool/bin/python ] || "$python" -m venv $tool
$tool/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/sbom.txt

rm -rf $env
"$python" -m venv --without-pip $env
pip() { $tool/bin/python -m pip --python $env/bin/python --disable-pip-version-check "$@"; }
pip install --quiet --no-compile --only-binary :all: --require-hashes -r requirements/run.txt
pip install --quiet --no-compile --no-deps .
$env/bin/tillpost --version

$tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
    --output-file build/sbom.json $env/bin/python
echo "$(pip list --format freeze | wc -l) packages, $(du -sm $env/lib | cut -f1) MB; the list is build/sbom.json"
