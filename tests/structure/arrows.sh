#!/bin/sh
# arrows.sh [ARCHITECTURE]: every #include follows the table of rooms in docs/architecture.md, every room stands in
# it, and no two rooms see each other, be it by way of others.
#
# The table's first column names the folders of a room, the second what they see: `ops/` is every folder below ops.
set -eu
table=${1:-docs/architecture.md}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# One line for each include of a project's header: FILE FROM-FOLDER TO-FOLDER.
grep -rnE '^[ \t]*#[ \t]*include[ \t]*["<](hewn|app|tests|bench|runtime|ops|models|\.)' \
    runtime ops models app --include='*.h' --include='*.cpp' |
  sed -E 's|^([^:]*)/([^/:]*):[0-9]+:[^"<]*["<](hewn/)?([^">]*)/[^/">]*[">].*|\1/\2 \1 \4|' >"$work/includes"
find runtime ops models app \( -name '*.h' -o -name '*.cpp' \) -printf '%h\n' | sort -u >"$work/folders"

awk -v folders="$work/folders" -v includes="$work/includes" -v pairs="$work/pairs" '
  # Rows of the table of rooms: | `folder`, ... | `seen`, ... | text |
  /^\| `(runtime|ops|models|app)/ {
    count = split($0, cells, "|")
    rooms = names(cells[2], room); seen = names(cells[3], see)
    for (i = 1; i <= rooms; ++i) {
      row[room[i]] = NR
      for (j = 1; j <= rooms; ++j) sees[room[i], ++reach[room[i]]] = room[j]
      for (j = 1; j <= seen; ++j) sees[room[i], ++reach[room[i]]] = see[j]
    }
  }
  function names(cell, list,   n) {
    n = 0
    while (match(cell, /`[^`]+`/)) {
      list[++n] = substr(cell, RSTART + 1, RLENGTH - 2)
      cell = substr(cell, RSTART + RLENGTH)
    }
    return n
  }
  # The entry of the table that stands for a folder.
  function entry(folder) {
    if (folder in row) return folder
    sub(/\/[^\/]*$/, "/", folder)
    return folder in row ? folder : ""
  }
  function may_see(from, to,   i, name) {
    for (i = 1; i <= reach[from]; ++i) {
      name = sees[from, i]
      if (name == to || (name ~ /\/$/ && index(to "/", name) == 1)) return 1
    }
    return 0
  }
  END {
    bad = 0
    if (NR == 0 || length(row) == 0) { print "no table of rooms"; exit 1 }
    while ((getline folder < folders) > 0) {
      if (entry(folder) == "") { print "  " folder " is in no row of the table of rooms"; bad = 1 }
    }
    while ((getline line < includes) > 0) {
      split(line, part, " ")
      if (part[2] == part[3]) continue
      if (!may_see(entry(part[2]), part[3])) {
        print "  " part[1] " must not include from " part[3]; bad = 1
      }
      if (row[entry(part[2])] != row[entry(part[3])]) print part[2], part[3] > pairs
    }
    exit bad
  }' "$table" || exit 1

if ! cycle=$(tsort "$work/pairs" 2>&1 >/dev/null); then
  echo "rooms that see each other:"
  echo "$cycle" | sed 's/^tsort: */  /'
  exit 1
fi
