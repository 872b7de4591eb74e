"""The photographs that networks are trained on and judged by: their sources and licences.

None of them is in the repository. All come with packages: scikit-image, scikit-learn and
matplotlib, which train/requirements.txt brings, and Debian's lomiri-wallpapers-16.04, whose
pictures are left out with a note where it is not installed. No licence here forbids commercial
use or asks that what is learned from a picture be shared alike.
"""

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from weights_tools.errors import ToolError

BSD, CC0, CC_BY_2, CC_BY_4 = "BSD-3-Clause", "CC0-1.0", "CC-BY-2.0", "CC-BY-4.0"
PUBLIC_DOMAIN = "public domain"

_LOMIRI = "lomiri-wallpapers-16.04"  # a package of Debian
_BACKGROUNDS = Path("/usr/share/backgrounds")
_LONGER_SIDE = 1024  # those of Debian have up to 5312 pixels


@dataclass(frozen=True)
class Photograph:
    package: str
    file: str  # inside of the package
    author: str
    licence: str

    @property
    def name(self) -> str:
        return Path(self.file).stem


TRAINING = (
    Photograph("skimage", "data/astronaut.png", "NASA", PUBLIC_DOMAIN),
    Photograph("skimage", "data/brick.png", "CC0Textures", CC0),
    Photograph("skimage", "data/camera.png", "Lav Varshney", CC0),
    Photograph("skimage", "data/grass.png", "linolafett", CC0),
    Photograph("skimage", "data/gravel.png", "CC0Textures", CC0),
    Photograph("skimage", "data/hubble_deep_field.jpg", "NASA", PUBLIC_DOMAIN),
    Photograph("skimage", "data/moon.png", "scikit-image", BSD),
    Photograph("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "US Navy", PUBLIC_DOMAIN),
    Photograph(_LOMIRI, "aitzgorri_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", CC_BY_4),
    Photograph(_LOMIRI, "friends_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", CC_BY_4),
    Photograph(_LOMIRI, "life_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", CC_BY_4),
    Photograph(_LOMIRI, "picosdeeuropa_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", CC_BY_4),
    Photograph(_LOMIRI, "Picture_0B_by_freespace.jpg", "Trevor “Freespace”", CC_BY_4),
    Photograph(_LOMIRI, "seeding_by_Clements_Engelhardt.jpg", "Clemens Engelhardt", CC0),
    Photograph(_LOMIRI, "umang_by_Abhishek_Mudgal.jpg", "Abhishek Mudgal", CC_BY_4),
    Photograph(_LOMIRI, "Wine_by_Jakkub_Mede.jpg", "Jakub Mede", CC_BY_4),
)

HELD_OUT = (
    Photograph("skimage", "data/chelsea.png", "Stefan van der Walt", CC0),
    Photograph("skimage", "data/coffee.png", "Rachel Michetti", CC0),
    Photograph("skimage", "data/rocket.jpg", "SpaceX", PUBLIC_DOMAIN),
    Photograph("sklearn", "datasets/images/china.jpg", "danielbuechele", CC_BY_2),
    Photograph("sklearn", "datasets/images/flower.jpg", "vultilion", CC_BY_2),
    Photograph(_LOMIRI, "Picture_1A_by_freespace.jpg", "Trevor “Freespace”", CC_BY_4),
    Photograph(_LOMIRI, "sunset_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", CC_BY_4),
)


def load_all(photographs: tuple[Photograph, ...]) -> dict[str, np.ndarray]:
    """RGB pictures (H, W, 3) of bytes, by name, no side above 1024 pixels; those that are there."""
    loaded: dict[str, np.ndarray] = {}
    for photograph in photographs:
        path = _path(photograph)
        if path is None:
            print(f"left out: {photograph.file}: the Debian package {_LOMIRI} is not installed")
        else:
            loaded[photograph.name] = _load(path)
    return loaded


def _path(photograph: Photograph) -> Path | None:
    if photograph.package == _LOMIRI:
        path = _BACKGROUNDS / photograph.file
        return path if path.is_file() else None
    spec = importlib.util.find_spec(photograph.package)
    if spec is None or spec.origin is None:
        raise ToolError(
            f"{photograph.package} is not installed: "
            f"pip install -r weights_tools/train/requirements.txt"
        )
    return Path(spec.origin).parent / photograph.file


@functools.cache
def _load(path: Path) -> np.ndarray:
    image = Image.open(path).convert("RGB")
    scale = _LONGER_SIDE / max(image.size)
    if scale < 1:
        image = image.resize(
            tuple(round(side * scale) for side in image.size), Image.Resampling.BOX
        )
    return np.asarray(image)
