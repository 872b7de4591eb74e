#!/bin/sh
# unity_groups.sh FILE...: which C++ sources can be compiled as one; a line for each group, its files separated by ';'.
#
# Two that hide the same name in an anonymous namespace cannot, but for functions of other parameters, which are
# overloads; nor can one with a name that a header has too. clang-format keeps the declarations at column 0, which makes
# them easy to find. What this overlooks does not compile: then a name wants to be changed.
set -eu
project=$(dirname "$0")/..
headers=$(find "$project"/runtime "$project"/ops "$project"/models "$project"/app "$project"/bench "$project"/tests \
  -name '*.h')
awk '
  function end_file(   n, i, clash) {
    if (file == "" || is_header) return
    n = split(hidden "\n", names, "\n") - 1
    for (i = 1; i < n; ++i) {
      clash = names[i]
      sub(/\(.*/, "", clash)
      if (clash in public) { alone[++alone_count] = file; return }
    }
    put(n)
  }
  # Into the first group that has room and none of the names.
  function put(n,   group, i) {
    for (group = 1; group <= groups; ++group) {
      if (members[group] == largest) continue
      for (i = 1; i < n && !((group, names[i]) in taken); ++i) {}
      if (i == n) break
    }
    if (group > groups) groups = group
    list[group] = (members[group]++ ? list[group] ";" : "") file
    for (i = 1; i < n; ++i) taken[group, names[i]]
  }
  function declares(name) {
    if (is_header) { sub(/\(.*/, "", name); public[name] } else hidden = hidden name "\n"
  }
  function line_of_code(line,   name, rest) {
    if (line == "namespace {") { inside = !is_header; return }
    if (line == "}  // namespace") { inside = is_header; return }
    if (!inside || line !~ /^[A-Za-z]/ || line ~ /^(namespace|using namespace|template|static_assert|TEST)/) return
    if (match(line, /^(class|struct|union|enum class|enum|using|concept) [A-Za-z0-9_]+/)) {
      name = substr(line, 1, RLENGTH)
      rest = substr(line, RLENGTH + 1)
      if (rest !~ /^::/) { sub(/.* /, "", name); declares(name); return }
    }
    if (!match(line, /[ &*>][A-Za-z0-9_]+ *[(={;[]/) || substr(line, 1, RSTART) !~ /^[][A-Za-z0-9_:<>,&* ]*$/) return
    name = substr(line, RSTART + 1, RLENGTH - 2)
    rest = substr(line, RSTART + RLENGTH - 1)
    sub(/ *$/, "", name)
    if (rest ~ /^\(/) {
      sub(/[{;].*/, "", rest)
      gsub(/ ?= ?[^,)]+/, "", rest)
      gsub(/ [A-Za-z0-9_]+,/, ",", rest)
      gsub(/ [A-Za-z0-9_]+\)/, ")", rest)
      name = name rest
    }
    declares(name)
  }
  BEGIN { largest = 10 }
  FNR == 1 {
    if (open != "") line_of_code(open)
    end_file()
    file = FILENAME; is_header = file ~ /\.h$/; inside = is_header; hidden = ""; open = ""
  }
  # A line that ends with a comma or a bracket goes on in the next.
  {
    if (open ~ /[,(]$/ && /^ +/) { sub(/^ +/, " "); open = open $0 } else { if (open != "") line_of_code(open); open = $0 }
  }
  END {
    if (open != "") line_of_code(open)
    end_file()
    for (group = 1; group <= groups; ++group) print list[group]
    for (i = 1; i <= alone_count; ++i) print alone[i]
  }' $headers "$@"
