#!/bin/sh
# kernel_symbols.sh NM ISA OBJECT...
#
# Objects with kernels are compiled with flags for one instruction set. Of two weak copies of an inline function
# the linker keeps either, so a weak symbol here could hand wide-vector code to a machine without it. All
# that they may define for others is in the set's own namespace, or a specialisation of hewn::kernels.
# (DW.ref.* is a pointer to the exception handler, the same in every file.)
set -eu
nm=$1 isa=$2
shift 2
own="_Z(Z|GVZ|TV|TI|TS)?NK?4hewn${#isa}$isa"
# By itself: in a pipe its failure would go unseen. grep ends with 1 where it finds nothing.
symbols=$("$nm" --defined-only --extern-only --format=posix --print-file-name "$@")
[ -n "$symbols" ] || { echo "expected symbols, $nm found none in $*"; exit 1; }
strays=$(printf '%s\n' "$symbols" | grep -vE ": ($own|_ZN4hewn7kernelsI|DW\.ref\.)") || [ $? = 1 ]
[ -z "$strays" ] && exit 0
echo "symbols outside of hewn::$isa that the linker may share with other files:"
echo "$strays" | c++filt
exit 1
