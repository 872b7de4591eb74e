#!/bin/sh
# kernel_symbols.sh passes on what is in the set's namespace, and fails on a stray, without symbols, and where nm fails.
set -eu
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
status=0
expect() { # expect STATUS NM-SCRIPT
  printf '#!/bin/sh\n%s\n' "$2" >"$work/nm"
  chmod +x "$work/nm"
  got=0
  sh tests/structure/kernel_symbols.sh "$work/nm" avx2 some.o >"$work/said" 2>&1 || got=$?
  [ "$got" = "$1" ] && return
  echo "expected status $1, got $got, where nm is: $2"
  cat "$work/said"
  status=1
}
own='some.o: _ZN4hewn4avx24gemmEv T 0 10'
stray='some.o: _ZSt3maxIfERKT_S2_S2_ W 0 10'
expect 0 "echo '$own'"
expect 1 "echo '$own'; echo '$stray'"
expect 1 "echo '$own'; exit 1"
expect 1 ":"
exit $status
