#!/bin/bash
# check.sh : every static check, each with its own verdict; all of them run, so one look shows all there is to mend.
set -u
cd "$(dirname "$0")/.."
PY=${PY:-.venv/bin/python}
failed=()

check() {
  local name=$1 out
  shift
  if out=$("$@" 2>&1); then
    printf '  ok      %s\n' "$name"
  else
    printf '  FAILED  %s\n%s\n\n' "$name" "$out"
    failed+=("$name")
  fi
}
imports() { "$PY" -c 'import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(show_timings=False))'; }
templates() {
  [ -z "$(find templates -name '*.html' -print -quit)" ] && return
  "$PY" -m djlint --lint --quiet templates
}

check "format        ruff format" "$PY" -m ruff format --check --output-format concise .
check "lint          ruff check" "$PY" -m ruff check --output-format concise .
check "types         mypy" "$PY" -m mypy
check "imports       import-linter" imports
check "templates     djlint" templates
check "translations  英文译文" "$PY" -m intranet.translations.check
check "shell         bash -n" bash -c 'for f in deploy/*.sh .ci/run; do bash -n "$f" || exit 1; done'

if [ ${#failed[@]} -gt 0 ]; then
  echo "${#failed[@]} 项未通过 / checks failed" >&2
  exit 1
fi
