#!/bin/sh
# The arrows run one way: app -> models -> ops -> runtime, and libraries never see tests or benchmarks.
set -eu
status=0
check() {
  layer=$1 above=$2
  if grep -rnE "#[ \t]*include[ \t]*[<\"]((hewn/)?($above)/|\.\.)" "$layer" --include='*.h' --include='*.cpp'; then
    echo "  ^ $layer must not include from $above"
    status=1
  fi
}
check runtime 'ops|models|app|tests|bench'
check ops 'models|app|tests|bench'
check models 'app|tests|bench'
check app 'tests|bench'
exit $status
