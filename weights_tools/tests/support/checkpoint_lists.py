"""Lists of a checkpoint's tensors: each name with its type and shape."""

from pathlib import Path

Shapes = dict[str, tuple[str, tuple[int, ...]]]


def written_out(text: str) -> Shapes:
    """Of lines with a convolution and its weight's shape, or with the channels of a batch norm.

    The latter begin with a `+`, transposed convolutions with a `~`.
    """
    shapes: Shapes = {}
    for line in filter(None, text.split("\n")):
        *mark, name, sizes = line.split()
        shape = _sizes(sizes)
        if mark == ["+"]:
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{name}.{part}"] = ("float32", shape)
            shapes[f"{name}.num_batches_tracked"] = ("int64", ())
        else:
            outputs = shape[1] if mark == ["~"] else shape[0]
            shapes[f"{name}.weight"] = ("float32", shape)
            shapes[f"{name}.bias"] = ("float32", (outputs,))
    return shapes


def of_file(path: Path) -> Shapes:
    """Of a .tsv file, the names without `module.`."""
    shapes: Shapes = {}
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            name, dtype, shape = line.split("\t")
            shapes[name.removeprefix("module.")] = (dtype, _sizes(shape))
    return shapes


def _sizes(text: str) -> tuple[int, ...]:
    return () if text == "scalar" else tuple(int(size) for size in text.split("x"))
