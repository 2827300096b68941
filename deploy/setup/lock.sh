#!/bin/sh
# Pin the Python packages anew, with hashes: pyproject.toml to requirements.txt (the program), requirements-dev.txt and
# requirements-spark.txt (what the Spark engine needs besides).
# A lock file is not kept: it would name the package index of the machine that wrote it.
set -eu
command -v uv >/dev/null || { echo "lock: uv is needed; install it, for example with pipx install uv" >&2; exit 4; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp pyproject.toml README.md LICENSE "$work"
export_group() {
    output=$1
    shift
    uv export --quiet --project "$work" --format requirements-txt --no-header --no-emit-project --no-default-groups "$@" >"$work/out"
    mv "$work/out" "$output"
}
export_group requirements.txt --group build
export_group requirements-dev.txt --group build --group dev
export_group requirements-spark.txt --only-group spark
