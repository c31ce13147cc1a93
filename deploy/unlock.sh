#!/bin/bash
# unlock.sh : where key files are under a passphrase, ask for it at the terminal and print the name of a file that holds
# it: in memory (/dev/shm), 0600, for whoever calls to remove. Prints nothing where nothing is locked, where the setting
# KEY_PASSPHRASE_FILE says already where passphrases are, or where nobody is there to be asked: such levels stay sealed.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077
PY=.venv/bin/python
say() { printf '%s\n' "$*" >&2; }

locked() {
  "$PY" -m flask --app wsgi vault keys --json 2>/dev/null |
    "$PY" -c 'import json, sys; print(" ".join(row["level"] for row in json.load(sys.stdin) if row["locked"]))'
}

[ -z "${INTRANET_KEY_PASSPHRASE_FILE:-}" ] || exit 0
! grep -qs '^KEY_PASSPHRASE_FILE' "${INTRANET_DATA:-instance}/config.py" || exit 0
left=$(locked)
[ -n "$left" ] || exit 0
if [ ! -t 0 ] || [ ! -w /dev/shm ]; then
  say "未输入密钥口令，以下密级只能存入、不能开启 / no passphrase given; sealed, deposit only: $left"
  exit 0
fi

folder=$(mktemp -d /dev/shm/intranet-XXXXXXXX)
trap 'rm -rf "$folder"' EXIT
file=$folder/passphrases
: >"$file"
export INTRANET_KEY_PASSPHRASE_FILE=$file
tries=0
while [ -n "$left" ] && [ $tries -lt 5 ]; do
  IFS= read -rsp "密钥口令，直接回车则不开启 / key passphrase, empty leaves sealed ($left): " word || word=''
  say ''
  [ -n "$word" ] || break
  printf '%s\n' "$word" >>"$file"
  before=$left left=$(locked)
  if [ "$left" = "$before" ]; then
    say "口令不对 / wrong passphrase"
    sed -i '$d' "$file"
    tries=$((tries + 1))
  fi
done
[ -z "$left" ] || say "以下密级只能存入、不能开启 / sealed, deposit only: $left"
if [ -s "$file" ]; then
  trap - EXIT
  printf '%s\n' "$file"
fi
