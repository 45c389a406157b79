#!/bin/sh
# Writes the text that the shipped text model was trained on, and prints its sha256.
#
#   scripts/corpus.sh [OUTPUT]        (default: corpus.txt in the current folder)
#
# The text is the King James Bible from the Debian packages `bible-kjv` and `bible-kjv-text` (public domain text). They are
# downloaded with apt-get and unpacked into a temporary folder: nothing is installed and no root rights are needed.
# Verse numbers are dropped; verses of one chapter are joined into paragraphs of about 500 letters, one per line, with an
# empty line between paragraphs. A paragraph is one document for the trainer.
set -eu

output=${1:-corpus.txt}
expected=3e4137875401ae53449cc5165af976fa0e9e98593fce1c055dc72c84c07a210f
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

fail() {
    echo "corpus.sh: $1" >&2
    exit 1
}

command -v apt-get >/dev/null 2>&1 || fail "apt-get is missing: the corpus comes from a Debian package"
chmod 755 "$work"
(cd "$work" && apt-get download -q bible-kjv bible-kjv-text) >"$work/log" 2>&1 ||
    fail "cannot download bible-kjv and bible-kjv-text: $(tail -n 1 "$work/log")"
if ! /sbin/ldconfig -p | grep -q 'libreadline\.so\.8 '; then
    (cd "$work" && { apt-get download -q libreadline8 || apt-get download -q libreadline8t64; }) >"$work/log" 2>&1 ||
        fail "cannot download libreadline8, which the bible command needs: $(tail -n 1 "$work/log")"
fi
for package in "$work"/*.deb; do
    dpkg-deb -x "$package" "$work/root"
    echo "corpus.sh: $(dpkg-deb -f "$package" Package Version | tr '\n' ' ')" >&2
done

libraries=$(find "$work/root" -name 'libreadline.so.8' -exec dirname {} \;)
LD_LIBRARY_PATH=$libraries "$work/root/usr/bin/bible" -p "$work/root/usr/lib" -f gen1:1-rev22:21 >"$work/verses" 2>"$work/log" ||
    fail "the bible command failed: $(tail -n 1 "$work/log")"

# A line is "Ge1:1 In the beginning ...": book and chapter, verse, text.
awk '
    function flush() { if (paragraph != "") { printf "%s%s\n", separator, paragraph; separator = "\n" } paragraph = "" }
    {
        chapter = $1; sub(/:.*/, "", chapter)
        text = $0; sub(/^[^ ]+ +/, "", text); gsub(/ +/, " ", text); sub(/ $/, "", text)
        if (chapter != previous || length(paragraph) >= 440) flush()
        previous = chapter
        paragraph = paragraph == "" ? text : paragraph " " text
    }
    END { flush() }
' "$work/verses" >"$output" || fail "cannot write $output"

sum=$(sha256sum "$output" | cut -d " " -f 1)
echo "$sum  $output"
[ "$sum" = "$expected" ] || fail "the text differs from the one the shipped model was trained on (sha256 $expected)"
