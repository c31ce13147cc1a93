#!/bin/sh
# venv.sh REQUIREMENTS : make .venv where there is none that works, and install the pinned packages into it.
# PYTHON names the interpreter, WHEELS a folder to install from without a network.
set -eu
cd "$(dirname "$0")/.."

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

python=
for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13}; do
  if suitable "$candidate"; then python=$candidate; break; fi
done
if [ -z "$python" ] && [ -z "${PYTHON:-}" ] && deploy/packages.sh python3 python3-venv && suitable python3; then
  python=python3
fi
if [ -z "$python" ]; then
  echo "需要 Python 3.11 或更高版本 / Python 3.11 or later is needed" >&2
  exit 1
fi

# An environment that was moved, or whose Python was upgraded away, is made anew.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    deploy/packages.sh "python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
  fi
  echo "建立 .venv / making .venv ($("$python" --version))" >&2
  rm -rf .venv
  "$python" -m venv .venv
fi

echo "安装 $1 / installing $1" >&2
if [ -n "${WHEELS:-}" ]; then
  set -- "$1" --no-index --find-links "$WHEELS"
fi
requirements=$1
shift
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "$@" -r "$requirements"

# File types are read with libmagic; without it the product judges by the file's first bytes alone.
if ! .venv/bin/python -c 'import magic' 2>/dev/null; then
  deploy/packages.sh libmagic1 || echo "（可稍后安装 libmagic1 / libmagic1 can be installed later）" >&2
fi
