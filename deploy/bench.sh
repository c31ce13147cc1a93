#!/bin/bash
# bench.sh : every file of bench/ with a main(), one after another, each in its own process.
set -u
cd "$(dirname "$0")/.."
PY=${PY:-.venv/bin/python}
failed=0
shopt -s nullglob
for file in bench/*.py; do
  grep -q '^def main(' "$file" || continue
  name=$(basename "$file" .py)
  printf '== %s\n' "$name"
  "$PY" -c "import sys, importlib; sys.exit(importlib.import_module('bench.$name').main())" || { echo "   未达标 / failed: $name" >&2; failed=1; }
done
exit $failed
