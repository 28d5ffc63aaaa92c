"""A network for pictures out of a folder in the format of timm, as the hub has it."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from fathom.base.errors import FathomError
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
    weights_file,
)
from fathom.nets.timm_net import shape_of_timm, weights_of_timm

_USUAL_SIZE = (3, 224, 224)
_SAVE = "timm.models.save_for_hf(model, FOLDER, safe_serialization=True)"


def is_of_timm(facts: dict[str, Any]) -> bool:
    """Whether a config.json is one that timm writes."""
    return "architecture" in facts and "model_type" not in facts


def body_of_timm(folder: Path, origin: str, facts: dict[str, Any]) -> Body:
    """The network of a folder with config.json and model.safetensors.

    Nothing is unpickled, and no code out of the folder is run: of config.json the name of the
    architecture, the pooling, and how pictures are read are taken.

    Args:
        folder: where it lies.
        origin: what people call it.
        facts: of its config.json.

    Raises:
        RunError: timm cannot be imported or has no such network, or the folder is damaged.
    """
    weights = weights_file(folder, _SAVE)
    try:
        said = dict(facts.get("pretrained_cfg") or {})
        channels, *sides = (int(one) for one in said.get("input_size", _USUAL_SIZE))
        height, width = check_sides(*sides)
        if channels not in (1, 3):
            raise ValueError(f"{channels} channels in {CONFIG}")
        reading = _reading(said, channels, height, width)
        pooling = str(facts.get("global_pool") or "")
        shape = shape_of_timm(str(facts["architecture"]), (channels, height, width), pooling)
        head = said.get("classifier", "")
        found = weights_of_timm(shape, load_file(weights), head if isinstance(head, str) else "")
    except FathomError:
        raise
    except Exception as error:  # the library has errors of its own for each fault
        raise damaged(folder, f"{CONFIG} and {WEIGHTS} that fit together", error) from error
    return Body(origin, "timm", shape, reading.column(), found)


def _reading(said: dict[str, Any], channels: int, height: int, width: int) -> Reading:
    mean = by_channel(said.get("mean", MEAN), channels)
    deviation = by_channel(said.get("std", DEVIATION), channels)
    if min(deviation) <= 0:
        raise ValueError("a deviation that is not above 0")
    return Reading(height, width, tuple(mean), tuple(deviation))
