"""A network for pictures out of a folder in the format of transformers: sizes, weights, reading."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from fathom.base.errors import FathomError, RunError, listed
from fathom.models.body import Body
from fathom.models.foreign_folder import (
    CONFIG,
    DEVIATION,
    MEAN,
    WEIGHTS,
    Reading,
    by_channel,
    check_sides,
    damaged,
    read_object,
    weights_file,
)
from fathom.nets.pretrained import ARCHITECTURES, shape_of, weights_of

PROCESSOR = "preprocessor_config.json"
_SIDE = 224
_SAVE = "AutoModel.from_pretrained(…).save_pretrained(FOLDER, max_shard_size='50GB')"


def body_of_folder(folder: Path, origin: str, facts: dict[str, Any]) -> Body:
    """The network of a folder with config.json and model.safetensors.

    Nothing is unpickled, and no code out of the folder is run.

    Args:
        folder: may hold preprocessor_config.json too, which says how pictures are read.
        origin: what people call it.
        facts: of its config.json.

    Raises:
        RunError: it is of a type that is not known, incomplete, or damaged.
        MissingExtra: transformers is not installed.
    """
    model_type = _known_type(facts, folder)
    weights = weights_file(folder, _SAVE)
    channels = facts.get("num_channels", 3)
    reading, told = read_processor(folder, channels, facts.get("image_size"))
    try:
        shape = shape_of(model_type, facts)
        found = weights_of(shape, load_file(weights))
    except FathomError:
        raise
    except Exception as error:  # the library has errors of its own for each fault
        raise damaged(folder, f"{CONFIG} and {WEIGHTS} that fit together", error) from error
    return Body(origin, "pretrained", shape, reading.column(), found, told)


def _known_type(facts: dict[str, Any], folder: Path) -> str:
    found = str(facts.get("model_type"))
    known = found in ARCHITECTURES
    if known and "quantization_config" not in facts:
        return found
    raise RunError(
        "This is no network for pictures that can be started from.",
        where=str(folder / CONFIG),
        expected="weights that are not packed into fewer bits"
        if known
        else f"a model_type of {listed(ARCHITECTURES, most=20)}",
        got="a quantization_config" if known else f"the model_type '{found}'",
        do="Name a network of one of these types, with plain weights.",
    )


def read_processor(folder: Path, channels: Any, image_size: Any) -> tuple[Reading, str]:
    """What preprocessor_config.json says, and what had to be supposed, in words.

    Read here, since transformers needs torchvision for it.

    Args:
        folder: that may hold it.
        channels: that the network sees.
        image_size: of config.json, for where the file is absent.

    Raises:
        RunError: it cannot be read, or does not fit the network.
    """
    place = folder / PROCESSOR
    try:
        if channels not in (1, 3):
            raise ValueError(f"{channels!r} channels in {CONFIG}")
        if not place.exists():
            return _supposed(channels, image_size)
        return _as_said(read_object(place), channels), ""
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        if isinstance(error, FathomError):
            raise
        wanted = "1 or 3 channels, a size, and a mean and deviation for each channel"
        raise damaged(place, wanted, error) from error


def _supposed(channels: int, image_size: Any) -> tuple[Reading, str]:
    height, width = _sides(image_size or _SIDE)
    mean, deviation = MEAN, DEVIATION
    if channels == 1:
        mean, deviation = ((sum(one) / len(one),) for one in (mean, deviation))
    told = f"there is no {PROCESSOR}: {height} × {width} pixels, and mean and deviation of ImageNet"
    return Reading(height, width, mean, deviation), f"{told} were supposed"


def _as_said(said: dict[str, Any], channels: int) -> Reading:
    """Size, mean and deviation, whatever the processor of transformers calls them.

    It computes (pixels × factor - mean) / deviation, of pixels from 0 to 255.
    """
    cropped = said.get("do_center_crop", True) and said.get("crop_size")
    height, width = _sides(said["crop_size"] if cropped else said.get("size", _SIDE))
    factor = said.get("rescale_factor", 1 / 255) if said.get("do_rescale", True) else 1.0
    mean, deviation = [0.0] * channels, [1.0] * channels
    if said.get("do_normalize", True):
        mean = by_channel(said.get("image_mean", MEAN), channels)
        deviation = by_channel(said.get("image_std", DEVIATION), channels)
    unit = 255 * float(factor)
    found = tuple(one / unit for one in mean), tuple(one / unit for one in deviation)
    if min(found[1]) <= 0:
        raise ValueError("a deviation that is not above 0")
    return Reading(height, width, *found)


def _sides(said: Any) -> tuple[int, int]:
    """Height and width; where only the shorter side was said, a square of it."""
    if isinstance(said, dict):
        edge = said.get("shortest_edge")
        said = (said["height"], said["width"]) if edge is None else edge
    height, width = said if isinstance(said, list | tuple) else (said, said)
    return check_sides(height, width)
