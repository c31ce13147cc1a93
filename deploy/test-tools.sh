#!/bin/bash
# test-tools.sh : what the tests use besides Python packages. Installs what is missing where it may; elsewhere
# the tests that need it are left out and say so (with CI=true they fail). Takes a blink when all is there.
set -eu
cd "$(dirname "$0")/.."
ci=${CI:-}
want=()

have() { command -v "$1" >/dev/null; }
have chromium || want+=(chromium)
compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null || want+=(fonts-noto-cjk)
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || want+=(postgresql)
have age || want+=(age)
have sqlite3 || want+=(sqlite3)
# What reads pictures and old Office formats; LibreOffice without a screen is 245 MB.
{ have tesseract && tesseract --list-langs 2>&1 | grep -qx chi_sim; } || want+=(tesseract-ocr tesseract-ocr-chi-sim)
have soffice || want+=(libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui)
# Ceph's gateway, the S3 server of the tests, is big: only where it is asked for.
if [ "${INTRANET_TEST_S3:-}" = required ] || { [ "$ci" = true ] && [ -z "${INTRANET_TEST_S3:-}" ]; }; then
  have ceph-mon && have ceph-osd && have radosgw && have radosgw-admin || want+=(ceph-mon ceph-osd radosgw ceph-common)
fi
# npm brings the test vectors below; a developer's machine may do without.
if [ "$ci" = true ]; then have npm || want+=(npm); fi

if [ ${#want[@]} -gt 0 ] && ! deploy/packages.sh "${want[@]}"; then
  [ "$ci" != true ] || exit 1
fi

# The public test vectors of the age format; too big for the repository.
name=cctv-age version=0.2.0 sum=94a2a220a95b158a69997e84405bb5d4ef84adf05d15bf341b83ec3ba9dd846e
folder=tests/.cache/$name
if [ ! -f "$folder/package/index.js" ]; then
  if have npm; then
    rm -rf "$folder"
    mkdir -p "$folder"
    (cd "$folder" && npm pack --silent "$name@$version" >/dev/null 2>&1) || true
    if echo "$sum  $folder/$name-$version.tgz" | sha256sum --check --quiet --status 2>/dev/null; then
      tar -xzf "$folder/$name-$version.tgz" -C "$folder"
      rm "$folder/$name-$version.tgz"
    else
      echo "未取得 age 测试向量 / the age test vectors could not be fetched" >&2
      [ "$ci" != true ] || exit 1
    fi
  else
    echo "没有 npm，略去 age 测试向量 / no npm: the age test vectors are left out" >&2
  fi
fi
