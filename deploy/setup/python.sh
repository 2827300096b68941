#!/bin/sh
# Make the virtual environment .venv with the pinned packages of a requirements file, and the project itself in it.
#
#   python.sh requirements.txt|requirements-dev.txt|requirements-spark.txt
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/lib.sh"
requirements=$1
python=${PYTHON:-python3}

command -v "$python" >/dev/null || refuse "Python 3.11 or later is needed; there is no $python. Name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    refuse "Python 3.11 or later is needed; $python is $("$python" --version 2>&1). Name another: make PYTHON=python3.11"

say "installing Python packages of $requirements into .venv"
if [ ! -x .venv/bin/python ]; then
    rm -rf .venv
    quietly "$python" -m venv .venv || refuse "The virtual environment could not be made: is python3-venv installed?"
fi
if command -v uv >/dev/null; then
    VIRTUAL_ENV="$PWD/.venv"
    export VIRTUAL_ENV
    set -- uv pip install --quiet
else
    set -- .venv/bin/python -m pip install --quiet --disable-pip-version-check
fi
"$@" --require-hashes -r "$requirements" || refuse "The packages of $requirements could not be installed (see above)."
"$@" --no-deps --no-build-isolation -e . || refuse "The project could not be installed into .venv (see above)."
