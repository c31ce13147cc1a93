#!/usr/bin/env bash
# A one-node S3 server (Ceph RGW) on 127.0.0.1 for the tests, all in memory: no container, no systemd.
#
#   s3_up.sh start FOLDER PORT   start it with its state in FOLDER; prints its s3:// address (the bucket is still to be made)
#   s3_up.sh stop FOLDER         end it and remove FOLDER
#
# Needs Debian's ceph-mon ceph-osd radosgw ceph-common, and root (or a folder its daemons may write). The
# monitor listens on PORT+1000. Nothing of it survives `stop`; the keys below protect nothing.
set -euo pipefail

action=${1:?start or stop} folder=${2:?folder}
key=tests secret=tests-secret

stop() {
  for daemon in rgw osd mon; do
    [ ! -f "$folder/$daemon.pid" ] || kill -9 "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
  done
  rm -rf "$folder" 2>/dev/null || { sleep 0.5; rm -rf "$folder"; } # a dying daemon may still have written
}

# until SECONDS COMMAND...: try a command until it succeeds
until_ok() {
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "gave up on: $*" >&2; tail -n 5 "$folder"/log/* >&2 || true; return 1; }
    sleep 0.1
  done
}

daemon() { # NAME COMMAND...: in the background, its id in a file, not holding our output open
  local name=$1; shift
  "$@" -f </dev/null >"$folder/log/$name.out" 2>&1 &
  echo $! >"$folder/$name.pid"
}

if [ "$action" = stop ]; then stop; exit 0; fi
port=${3:?port} monitor=$(($3 + 1000))
mkdir -p "$folder"/{mon,osd,rgw,log,run}
trap '[ $? -eq 0 ] || stop' EXIT
cat >"$folder/ceph.conf" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v1:127.0.0.1:$monitor]
mon initial members = a
mon data = $folder/mon
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
mon max pg per osd = 1000
mon osd full ratio = .99
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
osd data = $folder/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
paxos propose interval = 0.05
paxos min wait = 0.01
log file = $folder/log/\$name.log
run dir = $folder/run
admin socket = $folder/run/\$name.asok
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw data = $folder/rgw
rgw run sync thread = false
rgw enable usage log = false
rgw dynamic resharding = false
CONF
export CEPH_CONF=$folder/ceph.conf
fsid=$(sed -n 's/^fsid = //p' "$CEPH_CONF")
monmaptool --create --clobber --fsid "$fsid" --addv a "[v1:127.0.0.1:$monitor]" "$folder/monmap" >/dev/null
ceph-mon -c "$CEPH_CONF" -i a --mkfs --monmap "$folder/monmap" >/dev/null 2>&1
daemon mon ceph-mon -c "$CEPH_CONF" -i a
osd=$(cat /proc/sys/kernel/random/uuid)
until_ok 90 ceph -c "$CEPH_CONF" --connect-timeout 5 osd new "$osd"
ceph-osd -c "$CEPH_CONF" -i 0 --mkfs --osd-uuid "$osd" >/dev/null 2>&1
osd_up() { # on a busy machine it may speak before it has heard which cluster it is in ("wrong fsid") and end: once more
  kill -0 "$(cat "$folder/osd.pid" 2>/dev/null || echo 0)" 2>/dev/null && [ -f "$folder/osd.pid" ] ||
    daemon osd ceph-osd -c "$CEPH_CONF" -i 0
  ceph -c "$CEPH_CONF" --connect-timeout 5 osd stat | grep -q '1 up'
}
until_ok 90 osd_up
daemon rgw radosgw -c "$CEPH_CONF" -n client.rgw
radosgw-admin -c "$CEPH_CONF" user create --uid=tests --display-name=tests \
  --access-key="$key" --secret-key="$secret" >/dev/null 2>"$folder/log/admin.out"
until_ok 90 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
echo "s3://$key:$secret@127.0.0.1:$port/vault-tests?secure=0"
