#!/bin/bash
# serve.sh : prepare the data folder, then run web and worker together until Ctrl-C or SIGTERM.
# Environment: PORT (8000), HOST (127.0.0.1), DEMO (1; 0 starts with an empty office), INTRANET_*.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077

PORT=${PORT:-8000} HOST=${HOST:-127.0.0.1} DEMO=${DEMO:-1}
export PORT HOST PYTHONUNBUFFERED=1
PY=.venv/bin/python
flask() { "$PY" -m flask --app wsgi "$@"; }
say() { printf '%s\n' "$*" >&2; }

if ! reason=$("$PY" - "$HOST" "$PORT" 2>&1 <<'CODE'
import socket, sys
try:
    host, port = sys.argv[1], int(sys.argv[2])
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, port))
except (OSError, ValueError, OverflowError) as error:
    sys.exit(str(error))
CODE
); then
  say "无法使用 $HOST:$PORT（$reason），请换一个端口：make serve PORT=8001"
  say "cannot listen on $HOST:$PORT ($reason); choose another port: make serve PORT=8001"
  exit 1
fi

# Links in mail and on printed QR codes name the address people really use.
case $HOST in
  0.0.0.0 | ::) address=http://$(hostname):$PORT ;;
  *:*) address=http://[$HOST]:$PORT ;;
  *) address=http://$HOST:$PORT ;;
esac
if [ -z "${INTRANET_BASE_URL:-}" ] && ! grep -qs '^BASE_URL' "${INTRANET_DATA:-instance}/config.py"; then
  export INTRANET_BASE_URL=$address
fi

# One command sets up (keys, database, content), so that the next start is short. An office that has people of its own
# is never filled with the demo; it just starts.
logins=''
if [ "$DEMO" = 0 ]; then
  flask init >&2
elif ! logins=$(flask demo); then
  flask init >&2
fi

# Key files under a passphrase: asked for once, held in memory as long as web and worker run.
passphrases=$(deploy/unlock.sh)
[ -z "$passphrases" ] || export INTRANET_KEY_PASSPHRASE_FILE=$passphrases

web='' worker='' stopping=''
# Ends both, gently at first, and never leaves one behind.
stop() {
  trap '' INT TERM
  [ -z "$passphrases" ] || rm -rf "$(dirname "$passphrases")"
  [ -z "$stopping" ] || return 0
  stopping=1
  local pid deadline=$((SECONDS + 25))
  for pid in $web $worker; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $web $worker; do
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
    kill -KILL -- "-$pid" 2>/dev/null || true
  done
}
trap 'say "正在停止 / stopping"; stop; exit 0' INT TERM
trap stop EXIT

# Each in a process group of its own, so that Ctrl-C reaches this script only, which then ends both in order.
set -m
"$PY" -m gunicorn --config deploy/gunicorn.conf.py wsgi:app </dev/null &
web=$!
start_worker() {
  "$PY" -m flask --app wsgi worker </dev/null &
  worker=$!
  worker_since=$SECONDS
}
start_worker

alive() {
  "$PY" - "$HOST" "$PORT" 2>/dev/null <<'CODE'
import http.client, sys
host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(sys.argv[1], sys.argv[1])
line = http.client.HTTPConnection(host, int(sys.argv[2]), timeout=5)
line.request("GET", "/healthz")
sys.exit(line.getresponse().status != 200)
CODE
}
waited=0
until alive; do
  waited=$((waited + 1))
  if ! kill -0 "$web" 2>/dev/null || [ $waited -gt 150 ]; then
    say "网站未能启动，原因见上 / the web did not start, see above"
    exit 1
  fi
  sleep 0.2
done

say ""
say "  办公内网已启动 / the intranet is up:  $address/    (Ctrl-C 停止 / stops it)"
if [ -n "$logins" ]; then
  say "  演示账号 / demo logins:"
  sed 's/^/    /' >&2 <<<"$logins"
fi
say ""

crashes=0
while :; do
  wait -n "$web" "$worker" || true
  if ! kill -0 "$web" 2>/dev/null; then
    say "网站进程意外退出，全部停止 / the web process ended unexpectedly; stopping everything"
    exit 1
  fi
  if ! kill -0 "$worker" 2>/dev/null; then
    # One that keeps dying has a reason that restarting does not cure.
    if [ $((SECONDS - worker_since)) -ge 60 ]; then crashes=0; fi
    crashes=$((crashes + 1))
    if [ $crashes -gt 3 ]; then
      say "后台任务反复退出，全部停止，原因见上 / the worker keeps ending; stopping everything, see above"
      exit 1
    fi
    say "后台任务退出，重新启动（第 $crashes 次） / the worker ended; restart $crashes of 3"
    start_worker
  fi
done
