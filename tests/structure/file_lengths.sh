#!/bin/sh
# No file that people read is longer than 500 lines.
set -eu
long=$(find runtime ops models app weights_tools tests bench cmake docs \
    \( -name '*.cpp' -o -name '*.h' -o -name '*.py' -o -name '*.cmake' -o -name '*.sh' -o -name '*.md' \
       -o -name CMakeLists.txt \) -exec awk 'END { if (FNR > 500) print FILENAME ": " FNR " lines" }' {} \;)
[ -z "$long" ] && exit 0
echo "files of more than 500 lines:"
echo "$long"
exit 1
