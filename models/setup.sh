#!/bin/sh
# Makes a Python environment for the recipes: sh models/setup.sh VENV [samples]
#
# Python 3.11 or newer, Linux on x86-64. With `samples` it holds only what generates samples. The training part brings
# PyTorch, whose usual Linux wheel asks for several GB of GPU libraries; nothing here uses a GPU, and a CPU-only build of
# the same version, installed into VENV beforehand, is left alone.
set -eu
venv=${1:?usage: sh models/setup.sh VENV [samples]}
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --only-binary :all: -r "$here/requirements-samples.txt"
if [ "${2:-}" != samples ]; then
    "$venv/bin/pip" install --quiet --only-binary :all: -r "$here/requirements-training.txt"
fi
"$venv/bin/python" -c 'import pythia8mc, fastjet, numpy; print("ready: numpy", numpy.__version__)'
