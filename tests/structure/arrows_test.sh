#!/bin/sh
# arrows.sh fails, and says why, on a page that forbids what is there, that forgets a room, and whose arrows make a ring.
set -eu
page=$(mktemp)
trap 'rm "$page"' EXIT
status=0
expect() { # expect MESSAGE SED-COMMAND...
  message=$1
  shift
  sed "$@" docs/architecture.md >"$page"
  if said=$(sh tests/structure/arrows.sh "$page"); then
    echo "passed where '$message' was expected"
    status=1
  elif ! printf '%s\n' "$said" | grep -q -- "$message"; then
    printf "expected '%s', got\n%s\n" "$message" "$said"
    status=1
  fi
}
expect 'ops/softmax/softmax.h must not include from runtime' -e 's:^| `ops/` | `runtime`,:| `ops/` |:'
expect 'runtime/text is in no row of the table of rooms' -e '/^| `runtime\/text`/d'
# Pictures and their codecs are one room, since they see each other: not so as two.
codecs='`runtime/pictures/codecs`'
expect 'rooms that see each other' \
  -e "s:^| \`runtime/pictures\`, $codecs |:| \`runtime/pictures\` | $codecs,:" \
  -e "/^| \`runtime\/text\`/a | $codecs | \`runtime\`, \`runtime/files\`, \`runtime/pictures\` | |"
exit $status
