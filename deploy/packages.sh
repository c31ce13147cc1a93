#!/bin/sh
# packages.sh PACKAGE... : install Debian packages, where that is allowed without a question (root, or sudo
# that asks for no password). Exit 1, having said what is missing and how to get it, where it is not.
set -eu

as_root=
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    echo "缺少系统软件包，请管理员安装 / packages missing, please install: apt-get install $*" >&2
    exit 1
  fi
fi
if ! command -v apt-get >/dev/null; then
  echo "缺少软件包（Debian 名称）/ packages missing (by their Debian names): $*" >&2
  exit 1
fi

apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}
install() {
  apt install -y --no-install-recommends "$@" >"$log" 2>&1
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "安装系统软件包 / installing packages: $*" >&2
# The lists of a fresh machine are empty, those of an old one point to versions that are gone.
install "$@" || { apt update >"$log" 2>&1 && install "$@"; } || {
  tail -n 20 "$log" >&2
  echo "未能安装 / could not install: $*" >&2
  exit 1
}
