"""What a report shows of pictures: plain frozen records that the workflow fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

Pixels = UInt8[np.ndarray, "height width channels"]


@dataclass(frozen=True, eq=False)
class Tile:
    """One small picture.

    Attributes:
        pixels: 8 bits, one channel = grey, three = colour.
        words: what it shows, for those who cannot see it.
        below: lines under it.
        mark: whether it was answered rightly; "" = nobody asked.
    """

    pixels: Pixels
    words: str
    below: tuple[str, ...] = ()
    mark: Literal["", "right", "wrong"] = ""


@dataclass(frozen=True)
class Strip:
    """Pictures that stand in a line.

    Attributes:
        name: what they have in common.
        tiles: from left to right.
        note: a line on them.
    """

    name: str
    tiles: Sequence[Tile]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Album:
    """One column of pictures as the network sees them.

    Attributes:
        column: its name.
        facts: size, type and how they were brought to it.
        samples: a few of each class.
        changed: originals, each beside versions of it that training may meet.
        changes: what is changed in training, line by line, each with its reason.
        notes: what is not shown.
    """

    column: str
    facts: str = ""
    samples: Sequence[Strip] = ()
    changed: Sequence[Strip] = ()
    changes: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where a network looks in the pictures of one column.

    Attributes:
        column: its name.
        rows: a picture beside the maps of what the answer rests on.
        filters: of the first layer.
        stages: what some channels make of one picture, stage by stage.
    """

    column: str
    rows: Sequence[Strip] = ()
    filters: Strip | None = None
    stages: Sequence[Strip] = ()
