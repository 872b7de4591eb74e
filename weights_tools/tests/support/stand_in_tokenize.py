"""Stands in for `hewn tokenize`, by a tokenizer without vocabulary; `--fault` makes it lie."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from weights_tools.audit.tokenizer import Tokens

_CONTEXT = 77


class CharacterTokenizer:
    """As OpenClip: the tokens are characters, and the guess is that every a was a b."""

    def without_guess(self, text: str) -> Tokens:
        tokens = [ord(c) for c in text]
        return Tokens(tokens[:_CONTEXT], len(tokens) > _CONTEXT)

    def default(self, text: str) -> Tokens:
        return self.without_guess(text.replace("a", "b"))


def main(arguments: list[str]) -> None:
    fault = arguments.pop(1) if arguments[0] == "--fault" else "none"
    if fault == "crash":
        raise SystemExit("hewn: out of luck")
    texts = []
    if "--" in arguments:
        texts = arguments[arguments.index("--") + 1 :]
    if "--texts-file" in arguments:
        lines = Path(arguments[arguments.index("--texts-file") + 1]).read_bytes().decode()
        texts = lines.split("\n")[:-1]
    tokenizer = CharacterTokenizer()
    tokenize = tokenizer.default if fault == "guess" else tokenizer.without_guess
    entries = [{"text": text, **asdict(tokenize(text))} for text in texts]
    match fault:
        case "token":
            entries[3]["tokens"][0] += 1
        case "truncated":
            entries[3]["truncated"] = not entries[3]["truncated"]
        case "missing-text":
            entries.pop()
    report = Path(arguments[arguments.index("--json") + 1])
    report.write_text(json.dumps({} if fault == "no-json" else {"texts": entries}))


if __name__ == "__main__":
    main(sys.argv[1:])
