#!/usr/bin/env bash
# Run the report texts on Spark, in an environment apart, and compare with DuckDB to the cent.
# Spark needs Java 17 or later: it is installed where that may be done. Arguments go to compare.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v java >/dev/null && [ ! -x "${JAVA_HOME:-/none}/bin/java" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless >/dev/null
    else
        echo "test-spark: left out, there is no Java: install a Java 17 runtime (Debian:" \
            "sudo apt-get install openjdk-17-jre-headless) and run it again" >&2
        exit 2
    fi
fi
wanted=$(cksum requirements/spark.txt)
if [ "$(cat .venv-spark/.made 2>/dev/null)" != "$wanted" ]; then
    rm -rf .venv-spark
    .venv/bin/python -m venv .venv-spark
    .venv-spark/bin/python -m pip install --quiet --require-hashes -r requirements/spark.txt
    echo '*' > .venv-spark/.gitignore
    echo "$wanted" > .venv-spark/.made
fi
exec .venv/bin/python -m tests.spark.compare "$@"
