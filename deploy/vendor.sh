#!/bin/bash
# vendor.sh : fetch the pinned front-end files with npm and compare them with intranet/static/vendor/SHA256SUMS.
# To take a new version or icon: change a version below or icons.txt, run `deploy/vendor.sh --accept`, look at
# the difference, commit. Pages never load anything from outside; this is the only way such a file comes in.
set -euo pipefail
cd "$(dirname "$0")/../intranet/static"

TABLER=1.6.1 HTMX=4.0.1 ICONS=3.51.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch() {  # fetch FOLDER PACKAGE@VERSION : unpack a package into $work/FOLDER
  mkdir "$work/$1"
  (cd "$work/$1" && npm pack --silent "$2" >/dev/null && tar -xzf ./*.tgz --strip-components=1)
}
fetch tabler "@tabler/core@$TABLER"
fetch htmx "htmx.org@$HTMX"
fetch icons "@tabler/icons@$ICONS"

cp "$work/tabler/dist/css/tabler.min.css" vendor/tabler.min.css
cp "$work/htmx/dist/htmx.min.js" vendor/htmx.min.js
cp "$work/htmx/LICENSE" vendor/LICENSE.htmx
cp "$work/icons/LICENSE" vendor/LICENSE.tabler-icons

# One <symbol> an icon: the outer <svg> and the invisible 24x24 frame go, the strokes stay.
{
  echo '<svg xmlns="http://www.w3.org/2000/svg">'
  echo "<!-- Tabler Icons $ICONS, MIT licence, see vendor/LICENSE.tabler-icons. Made by deploy/vendor.sh -->"
  while read -r name; do
    printf '<symbol id="i-%s" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round">' "$name"
    tr '\n' ' ' <"$work/icons/icons/outline/$name.svg" |
      sed -E 's/.*<svg[^>]*>//; s/<\/svg>.*//; s/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>//; s/ +/ /g; s/ ?\/> ?/\/>/g; s/^ //'
    echo '</symbol>'
  done <vendor/icons.txt
  echo '</svg>'
} >icons.svg

chmod 644 icons.svg vendor/*
if [ "${1:-}" = --accept ]; then
  sha256sum icons.svg vendor/htmx.min.js vendor/tabler.min.css >vendor/SHA256SUMS
fi
sha256sum --check --quiet vendor/SHA256SUMS
echo "Tabler $TABLER, htmx $HTMX, Tabler Icons $ICONS: $(grep -c '<symbol' icons.svg) icons"
