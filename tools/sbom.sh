#!/usr/bin/env bash
# Say what an installation is made of: build/sbom.json (CycloneDX), of the wheel alone.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=.venv-sbom
[ -x $tool/bin/python ] || .venv/bin/python -m venv $tool
$tool/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/sbom.txt
tools/alone.sh build/alone
$tool/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
    --output-file build/sbom.json build/alone/bin/python
echo "the list is build/sbom.json"
