#!/bin/sh
# A room is a folder that one can take in at a glance: at most 24 files, none of them longer than 400 lines.
set -eu
rooms='runtime ops models app bench weights_tools'
crowded=$(find $rooms -type f ! -name '*.pyc' -printf '%h\n' | sort | uniq -c |
  awk '$1 > 24 { print "  " $2 ": " $1 " files" }')
long=$(find $rooms tests cmake docs .ci \
    \( -name '*.cpp' -o -name '*.h' -o -name '*.py' -o -name '*.cmake' -o -name '*.sh' -o -name '*.md' \
       -o -name CMakeLists.txt -o -path '.ci/*' \) -type f \
    -exec awk 'END { if (FNR > 400) print "  " FILENAME ": " FNR " lines" }' {} \;)
[ -z "$crowded$long" ] && exit 0
[ -z "$crowded" ] || printf 'rooms of more than 24 files:\n%s\n' "$crowded"
[ -z "$long" ] || printf 'files of more than 400 lines:\n%s\n' "$long"
exit 1
