#!/bin/bash
# recover.sh : 不用本系统取回文件正文 / every document's body, without the product.
#
#   recover.sh [--headers HEADERS] DATABASE OBJECTS OUT KEY...
#
# HEADERS   备份库里解开的密钥头副本（每行一个 JSON）：备份里的数据库不含密钥头
#           / an opened header copy of a backup (JSON lines): the database of a backup holds no headers
# DATABASE  数据库副本：SQLite 文件，或 postgresql://… / a copy of the database: a SQLite file, or postgresql://…
# OBJECTS   对象目录：数据目录的 blobs、备份库的 objects，或从 S3 取下的平铺目录
#           / the folder of objects: blobs/ of the data folder, objects/ of a backup, or a flat copy of a bucket
# OUT       新建的输出目录 / the folder to make for what comes out
# KEY       密钥文件，可带口令 / identity files (secret.key …), under a passphrase or not
#
# Needs bash, coreutils, age (1.3 or later for post-quantum keys), and sqlite3 or psql. Reads only; nothing but OUT is written.
# OUT/list.tsv      number, title, level, file name, size, sha256, where it lies in OUT
# OUT/missing.tsv   number, title, level, file name, why it could not be opened
# Exit status: 0 everything came out, 3 something did not (missing.tsv says what), 1 nothing could be done.
set -euo pipefail
export LC_ALL=C
umask 077

stop() { echo "recover.sh: $*" >&2; exit 1; }

copy=
if [ "${1:-}" = --headers ]; then
  copy=${2:-}
  [ -f "$copy" ] || stop "没有密钥头副本 / no header copy: $copy"
  shift 2
fi
[ $# -ge 4 ] || stop "[--headers HEADERS] DATABASE OBJECTS OUT KEY...（说明见文件开头 / see the head of this file）"
database=$1 objects=$2 out=$3
shift 3

[ -d "$objects" ] || stop "没有对象目录 / no folder of objects: $objects"
keys=
for file; do
  [ -f "$file" ] || stop "没有密钥文件 / no identity file: $file"
  read -r first <"$file" || [ -n "$first" ] || stop "密钥文件是空的 / the identity file is empty: $file"
  case $first in
    age-encryption.org/*|*'BEGIN AGE ENCRYPTED FILE'*)
      text=$(age -d "$file") || stop "口令不对或文件损坏 / wrong passphrase or damaged file: $file" ;;
    *) text=$(<"$file") ;;
  esac
  # One identity that age does not know makes it refuse all the others.
  if [[ $(age -d -i <(printf '%s\n' "$text") </dev/null 2>&1) == *"error at line"* ]]; then
    stop "age 读不懂这个密钥文件（后量子密钥须 age 1.3 以上）/ age cannot read this identity file (post-quantum ones take age 1.3 or later): $file"
  fi
  keys+=$text$'\n'
done
mkdir "$out" || stop "输出目录须是新的 / the output folder must be new: $out"
work=$out/.work
mkdir "$work"
trap 'rm -rf "$work"; rmdir "$out" 2>/dev/null || true' EXIT  # OUT stays unless nothing was done

# Every text leaves the database as hex: no name in it can break a line or a field.
columns() {
  local text="$1" bytes="$2"
  printf 'SELECT b.id, b.state, b.level, b.size, b.name, b.digest, %s, %s, %s, %s FROM blob b' \
    "${text//@/i.number}" "${text//@/i.title}" "${text//@/b.filename}" "${bytes//@/h.header}"
  printf ' LEFT JOIN item i ON i.id = b.item_id LEFT JOIN blob_header h ON h.blob_id = b.id ORDER BY b.id'
}
case $database in
  postgres://*|postgresql://*|postgresql+*://*)
    hex="upper(encode(convert_to(coalesce(@, ''), 'UTF8'), 'hex'))"
    query=$(columns "$hex" "upper(encode(coalesce(@, ''::bytea), 'hex'))")
    PGOPTIONS='-c default_transaction_read_only=on' psql -X -q -A -t -F '|' -v ON_ERROR_STOP=1 -c "$query" \
      "postgresql://${database#*://}" >"$work/rows" || stop "数据库读不出 / the database cannot be read" ;;
  *)
    [ -f "$database" ] || stop "没有数据库 / no database: $database"
    query=$(columns "hex(coalesce(@, ''))" "hex(@)")
    sqlite3 -readonly -init /dev/null -batch -list -noheader -separator '|' "$database" "$query" \
      >"$work/rows" || stop "数据库读不出 / the database cannot be read" ;;
esac

# By number and name, as the product does: a number may have been used twice, a random name never is.
declare -A copied=()
if [ -n "$copy" ]; then
  line_of='^\{"blob":([0-9]+),"name":"([0-9a-f]+)","key_id":"[0-9a-f]*","header":"([A-Za-z0-9+/]+=*)"\}$'
  while read -r line || [ -n "$line" ]; do
    [[ $line =~ $line_of ]] || stop "不是解开的密钥头副本（先 age -d，再 gunzip）/ not an opened header copy (age -d, then gunzip): $copy"
    copied[${BASH_REMATCH[1]}/${BASH_REMATCH[2]}]=${BASH_REMATCH[3]}
  done <"$copy"
fi

text_of() { printf %s "$1" | basenc --base16 -d | tr -d '\000' | tr '\001-\037\177' '_'; }

# A name for a file: no folder, no leading dot, no sign that turns the direction of writing, at most 200 bytes.
safe() {
  local name=${1//[\/\\]/_}
  name=${name//$'\xe2\x80'[$'\x8b'-$'\x8f'$'\xaa'-$'\xae']/_}
  name=${name//$'\xe2\x81'[$'\xa6'-$'\xa9']/_}
  if [ ${#name} -gt 200 ]; then
    name=${name: -200}  # the suffix matters more; then on to the next whole character
    while [[ $name == [$'\x80'-$'\xbf']* ]]; do name=${name:1}; done
  fi
  while [[ $name == [.-]* ]]; do name=_${name:1}; done
  printf %s "${name:-$2}"
}

object_at() {  # name, digest
  local path
  for path in "$objects/_${1:0:2}/_${1:2:2}/$1" "$objects/$1" "$objects/_${2:0:2}/_${2:2:2}/$2" "$objects/$2"; do
    [ -f "$path" ] && { printf %s "$path"; return; }
  done
  return 1
}

levels=(public internal confidential secret topsecret)
opened=0 missing=0
printf 'number\ttitle\tlevel\tfile\tsize\tsha256\tpath\n' >"$out/list.tsv"
printf 'number\ttitle\tlevel\tfile\twhy\n' >"$out/missing.tsv"

body() {  # sets why on failure, found on success
  why=
  [ "$state" != destroyed ] || { why="已销毁 / destroyed"; return 1; }
  [ "$state" != pending ] || { why="未存完 / never completely deposited"; return 1; }
  [[ $name =~ ^[0-9a-f]{8,64}$ && $size =~ ^[0-9]{1,15}$ ]] || { why="记录不正常 / the record is malformed"; return 1; }
  [[ $digest =~ ^[0-9a-f]{64}$ ]] || digest=none
  if [ -n "$header" ]; then
    printf %s "$header" | basenc --base16 -d >"$work/header"
  elif [ -n "${copied[$id/$name]:-}" ]; then
    printf %s "${copied[$id/$name]}" | basenc --base64 -d >"$work/header"
  else
    why="没有密钥头 / there is no header for it"
    return 1
  fi
  local object payload
  object=$(object_at "$name" "$digest") || { why="没有对象 / the object is not there: $name"; return 1; }
  # nonce, body, one tag for each begun 64 KiB; what follows is padding
  payload=$((16 + size + 16 * (size ? (size + 65535) / 65536 : 1)))
  [ "$(stat -c %s "$object")" -ge "$payload" ] || { why="对象被截短 / the object is cut short"; return 1; }
  if ! { cat "$work/header"; head -c "$payload" "$object"; } 2>"$work/pipe" |
    age -d -i <(printf %s "$keys") >"$work/body" 2>"$work/error"; then
    read -r why <"$work/error" || true
    case $why in
      *"no identity matched"*) why="没有这一级的密钥 / no key at hand opens it" ;;
      *) why="损坏 / damaged: $(printf %s "${why#age: error: }" | tr '\000-\037\177' '_')" ;;
    esac
    rm -f "$work/body"
    return 1
  fi
  [ "$(stat -c %s "$work/body")" = "$size" ] || { why="大小不符 / another size than recorded"; rm -f "$work/body"; return 1; }
}

while IFS='|' read -r -u 3 id state level size name digest number title filename header; do
  number=$(text_of "$number") title=$(text_of "$title") filename=$(text_of "$filename")
  label=${levels[$level]:-$level}
  if body; then
    folder=$(safe "$number" unfiled) leaf=$(safe "$filename" file)
    mkdir -p "$out/$folder"
    [ ! -e "$out/$folder/$leaf" ] || leaf=$id-$leaf
    sum=$(sha256sum <"$work/body")
    mv -n "$work/body" "$out/$folder/$leaf"
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$number" "$title" "$label" "$filename" "$size" "${sum%% *}" "$folder/$leaf" \
      >>"$out/list.tsv"
    opened=$((opened + 1))
  else
    printf '%s\t%s\t%s\t%s\t%s\n' "$number" "$title" "$label" "$filename" "$why" | tee -a "$out/missing.tsv" >&2
    missing=$((missing + 1))
  fi
done 3<"$work/rows"

echo "取回 / recovered: $opened; 未能打开 / not opened: $missing (missing.tsv)"
[ "$missing" = 0 ] || exit 3
