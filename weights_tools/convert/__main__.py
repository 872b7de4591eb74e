"""`python -m weights_tools.convert`: one subcommand for each network."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType

from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint, load_checkpoint
from weights_tools.convert import (
    clip,
    clip_forms,
    completion,
    prompts,
    raft,
    random_clip,
    random_completion,
    random_prompts,
    random_raft,
    random_superpoint,
    superpoint,
)
from weights_tools.convert.merges import load_merges
from weights_tools.errors import ToolError, report_errors
from weights_tools.nets.clip import ACTIVATIONS
from weights_tools.nets.clip_prompts import CLASS_POSITIONS, END, METHODS

_Run = Callable[[argparse.Namespace], int]


def _convert(arguments: argparse.Namespace) -> int:
    checkpoint = _load(arguments.input, arguments.output)
    return _write(arguments.output, *arguments.network.convert(checkpoint))


def _convert_completion(arguments: argparse.Namespace) -> int:
    checkpoint = _load(arguments.input, arguments.output)
    discriminator = None
    if arguments.discriminator is not None:
        discriminator = _load(arguments.discriminator, arguments.output)
    options = completion.Options(arguments.order, arguments.form, arguments.mean)
    return _write(arguments.output, *completion.convert(checkpoint, options, discriminator))


def _convert_clip(arguments: argparse.Namespace) -> int:
    checkpoint = _load(arguments.input, arguments.output)
    form = clip_forms.recognise(checkpoint, arguments.input)
    beside, source = clip_forms.configuration(form, arguments.input.parent)
    given = clip_forms.Options(
        arguments.activation,
        arguments.image_heads,
        arguments.text_heads,
        arguments.mean,
        arguments.std,
    )
    options = given.before(beside)
    merges = load_merges(arguments.merges)
    written = _write(arguments.output, *clip.convert(checkpoint, merges, form, options))
    if given.activation is None:
        says = f"as {source} says" if beside.activation else f"the default of the form {form}"
        print(f"the activation is {says}; --activation gives another")
    return written


def _convert_prompts(arguments: argparse.Namespace) -> int:
    checkpoint = _load(arguments.input, arguments.output)
    labels = None if arguments.classnames is None else _class_names(arguments.classnames)
    options = prompts.Options(
        arguments.method, arguments.template, arguments.class_position, labels
    )
    return _write(arguments.output, *prompts.convert(checkpoint, options))


def _random_clip(arguments: argparse.Namespace) -> int:
    sizes = random_clip.FORMS[arguments.form]
    checkpoint = random_clip.random_checkpoint(sizes, arguments.seed, arguments.half)
    return _write(arguments.output, *clip.convert(checkpoint, load_merges(arguments.merges)))


def _random_prompts(arguments: argparse.Namespace) -> int:
    tensors, _ = clip.load_network(arguments.clip)
    sizes = clip.read_sizes(str(arguments.clip), "clip", tensors)
    amounts = random_prompts.Amounts(arguments.length, arguments.depth, arguments.classes)
    checkpoint = random_prompts.random_checkpoint(arguments.form, sizes, amounts, arguments.seed)
    options = prompts.Options(
        arguments.form, arguments.template, arguments.class_position, labels=None
    )
    return _write(arguments.output, *prompts.convert(checkpoint, options))


def _random_superpoint(arguments: argparse.Namespace) -> int:
    checkpoint = random_superpoint.random_checkpoint(
        superpoint.FORMS[arguments.form], arguments.seed
    )
    return _write(arguments.output, *superpoint.convert(checkpoint))


def _random_raft(arguments: argparse.Namespace) -> int:
    checkpoint = random_raft.random_checkpoint(raft.VARIANTS[arguments.form], arguments.seed)
    return _write(arguments.output, *raft.convert(checkpoint))


def _random_completion(arguments: argparse.Namespace) -> int:
    order, seed = arguments.form, arguments.seed
    network = random_completion.random_checkpoint(order, seed)
    discriminators = random_completion.random_discriminators(order, seed)
    options = completion.Options(order)
    return _write(arguments.output, *completion.convert(network, options, discriminators))


def _load(path: Path, output: Path) -> Checkpoint:
    checkpoint = load_checkpoint(path)
    if output.exists() and output.samefile(path):
        raise ToolError(f"{output}: the output would replace the input")
    return checkpoint


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    safetensors_file.write(path, tensors, metadata)
    print(f"{path}: {len(tensors)} tensors, {metadata['hewn.config']}")
    return 0


def _class_names(path: Path) -> list[str]:
    """One a line; in the lists of public datasets `_` is a space."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: cannot be read as a list of names: {error}") from error
    names = [line.replace("_", " ").strip() for line in lines if line.strip()]
    if not names:
        raise ToolError(f"{path}: expected the names of classes, one a line, but it has none")
    return names


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, but got {value}")
    return value


def _deviations(text: str) -> tuple[float, ...]:
    values = _colour(text)
    if 0 in values:
        raise argparse.ArgumentTypeError(f"expected R,G,B, each above 0, but got {text!r}")
    return values


def _colour(text: str) -> tuple[float, ...]:
    try:
        values = tuple(map(float, text.split(",")))
    except ValueError:
        values = ()
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"expected R,G,B, each from 0 to 1, but got {text!r}")
    return values


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weights_tools.convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, network: ModuleType, what: str, run: _Run = _convert
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what)
        command.add_argument("input", type=Path, metavar="IN", help="a .pth or .safetensors file")
        command.add_argument("output", type=Path, metavar="OUT", help="the .safetensors to write")
        command.set_defaults(run=run, network=network)
        return command

    def add_random(name: str, forms: Iterable[str], run: _Run) -> argparse.ArgumentParser:
        command = commands.add_parser(f"random-{name}", help=f"{name} with random weights")
        command.add_argument("form", choices=forms, metavar="FORM", help="%(choices)s")
        command.add_argument("output", type=Path, metavar="OUT", help="the .safetensors to write")
        command.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
        command.set_defaults(run=run)
        return command

    add("superpoint", superpoint, "a SuperPoint or MagicPoint checkpoint")
    add("raft", raft, "a RAFT or RAFT-small checkpoint")
    _add_completion_options(
        add("completion", completion, "an image completion checkpoint", _convert_completion)
    )
    _add_clip_options(add("clip", clip, "a CLIP checkpoint", _convert_clip))
    _add_prompts_options(add("prompts", prompts, "prompts learned for CLIP", _convert_prompts))
    add_random("superpoint", superpoint.FORMS, _random_superpoint)
    add_random("raft", raft.VARIANTS, _random_raft)
    add_random("completion", completion.ORDERS, _random_completion)
    random = add_random("clip", random_clip.FORMS, _random_clip)
    random.add_argument("--half", action="store_true", help="float16 where OpenAI's have it")
    _add_merges_option(random)
    _add_random_prompts_options(add_random("prompts", METHODS, _random_prompts))
    return parser


def _add_completion_options(command: argparse.ArgumentParser) -> None:
    defaults = completion.Options()
    command.add_argument(
        "--order",
        choices=completion.ORDERS,
        default=defaults.order,
        help="batch norm before or after ReLU, which the file does not tell; default %(default)s, "
        "as the common PyTorch port has it; the paper has the other",
    )
    command.add_argument(
        "--input",
        dest="form",
        choices=completion.INPUTS,
        default=defaults.input,
        help="the mean in the hole, or 0 there and the mean subtracted; default %(default)s",
    )
    command.add_argument(
        "--mean",
        type=_colour,
        default=defaults.mean,
        metavar="R,G,B",
        help="of the training pictures, from 0 to 1; default 0.5,0.5,0.5",
    )
    command.add_argument(
        "--discriminator", type=Path, metavar="D", help="a checkpoint of both discriminators"
    )


def _add_clip_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--activation",
        choices=ACTIVATIONS,
        help="which the tensors do not tell; default as the configuration beside IN says, else "
        "quick_gelu, but gelu for open_clip's",
    )
    for tower in ("image", "text"):
        command.add_argument(
            f"--{tower}-heads",
            type=_positive,
            metavar="N",
            help="of its attention; default as the configuration says, else heads of 64",
        )
    for option, colour in (("--mean", _colour), ("--std", _deviations)):
        command.add_argument(
            option, type=colour, metavar="R,G,B", help="of the training pictures; default OpenAI's"
        )
    _add_merges_option(command)


def _add_merges_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--merges",
        type=Path,
        metavar="PATH",
        help="the tokenizer's merges; default those of the installed open_clip",
    )


def _add_prompts_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--method", choices=METHODS, help="%(choices)s; default as the tensors' names tell"
    )
    command.add_argument(
        "--classnames", type=Path, metavar="FILE", help="the classes of the training, one a line"
    )
    _add_text_options(command)


def _add_random_prompts_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--clip", type=Path, required=True, metavar="F", help="converted, for its sizes"
    )
    for option, what in (
        ("--length", "tokens of the text, or of the picture"),
        ("--depth", "blocks that have prompts"),
        ("--classes", "of coop, a context for each"),
    ):
        command.add_argument(option, type=_positive, metavar="N", help=what)
    _add_text_options(command)


def _add_text_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--template",
        metavar="T",
        help="the text whose first tokens are replaced; default the method's own",
    )
    command.add_argument(
        "--class-position",
        choices=CLASS_POSITIONS,
        default=END,
        help="of the name in coop's context; default %(default)s",
    )


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return report_errors("convert", lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
