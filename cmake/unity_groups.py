"""unity_groups.py FILE...: which C++ sources can be compiled as one.

Prints a line for each group, its files separated by ';'. Two that hide the same name in an
anonymous namespace cannot, but for functions of other parameters, which are overloads; nor can one
with a name that a header has too. clang-format keeps the declarations at column 0, which makes them
easy to find. What this overlooks does not compile: then a name wants to be changed.
"""

import re
import sys
from pathlib import Path

_LARGEST = 10
_TYPE = re.compile(r"(?:class|struct|union|enum class|enum|using|concept) (\w+)\b(?!::)")
_VALUE_OR_FUNCTION = re.compile(r"[\w:<>,&*\[\] ]*?[ &*>](\w+)\s*(\([^{;]*|[={;\[])")
_NO_DECLARATION = ("namespace", "using namespace", "template", "static_assert", "TEST")
_PROJECT = Path(__file__).resolve().parent.parent


def _declared(text: str, hidden: bool) -> set[str]:
    """The names declared in anonymous namespaces, or outside of them; functions with parameters."""
    names, inside = set(), not hidden
    for line in re.sub(r"(?<=[,(])\n +", " ", text).splitlines():
        if line == "namespace {":
            inside = hidden
        elif line == "}  // namespace":
            inside = not hidden
        elif inside and line[:1].isalpha() and not line.startswith(_NO_DECLARATION):
            found = _TYPE.match(line)
            if found:
                names.add(found[1])
            elif found := _VALUE_OR_FUNCTION.match(line):
                names.add(found[1])
                parameters = re.sub(r" ?= ?[^,)]+| \w+(?=[,)])", "", found[2])
                if found[2].startswith("("):
                    names.discard(found[1])
                    names.add(found[1] + parameters)
    return names


def _of_headers() -> set[str]:
    folders = ("runtime", "ops", "models", "app", "bench", "tests")
    headers = (header for folder in folders for header in (_PROJECT / folder).rglob("*.h"))
    declared = set().union(*(_declared(header.read_text(), hidden=False) for header in headers))
    return {name.partition("(")[0] for name in declared}


def _groups(files: list[str]) -> list[list[str]]:
    public = _of_headers()
    groups: list[tuple[list[str], set[str]]] = []
    alone = []
    for file in files:
        names = _declared(Path(file).read_text(), hidden=True)
        if any(name.partition("(")[0] in public for name in names):
            alone.append([file])
            continue
        free = (g for g in groups if len(g[0]) < _LARGEST and not g[1] & names)
        members, taken = next(free, (None, None))
        if members is None:
            groups.append(([file], names))
        else:
            members.append(file)
            taken |= names
    return [members for members, _ in groups] + alone


for group in _groups(sys.argv[1:]):
    print(";".join(group))
