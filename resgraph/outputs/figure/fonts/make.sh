#!/usr/bin/env bash
# Makes the fonts beside this file again, to the byte: Inter 4.1 at the weights that figures use, for small sizes, with
# each character that has one code point (no alternates, so that widths are those of the characters).
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q fontpkg-inter==4.1.post1 fonttools==4.68.0
source="$("$work/venv/bin/python" -c 'import fontpkg_inter; print(fontpkg_inter.__path__[0])')"
cp "$source/LICENSE" "$here/LICENSE"
export SOURCE_DATE_EPOCH=0

face() {  # the name of a face, its weight, and the file that it is cut from
  "$work/venv/bin/fonttools" varLib.instancer -q "$source/files/$3" "wght=$2" opsz=14 --static \
    --update-name-table --no-recalc-timestamp -o "$work/$1.ttf"
  "$work/venv/bin/pyftsubset" "$work/$1.ttf" --output-file="$here/Inter-$1.ttf" --no-hinting --no-layout-closure \
    --unicodes=20-7E,A0-2E7F,A640-A7FF,FB00-FB06,FFFD --layout-features=ccmp,locl,mark,mkmk --notdef-outline --name-IDs='*'
}
face Regular 400 'Inter[opsz,wght].ttf'
face Medium 500 'Inter[opsz,wght].ttf'
face Bold 700 'Inter[opsz,wght].ttf'
face Italic 400 'Inter-Italic[opsz,wght].ttf'
