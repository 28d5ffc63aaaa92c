"""For the report: training pictures as the network sees them, and as training changes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from fathom.base.seeds import numpy_generator
from fathom.columns.image import FittedImage
from fathom.evaluation.words import number_in_words
from fathom.models.model import class_names
from fathom.models.preparation import Column
from fathom.reports.album import Album, Pixels, Strip, Tile
from fathom.tables.table import Table
from fathom.workflow.judge import Truth, task_of, truth_of
from fathom.workflow.learn import Learned
from fathom.workflow.study import Study
from fathom.workflow.tiles import picture_columns, pictures_of

MOST_COLUMNS = 3
_CLASSES, _EACH, _RANGES = 12, 6, 4
_ORIGINALS, _STEPS = 4, (1, 2, 3, 4, 5)


@dataclass(frozen=True, eq=False)
class Group:
    """Rows that are shown together.

    Attributes:
        name: a class, or a range of numbers.
        rows: their places among the training rows.
    """

    name: str
    rows: np.ndarray


def albums(made: Study, learned: Learned) -> list[Album]:
    """One for each column of pictures of the first part; none where there is no such column."""
    columns = picture_columns(learned.model.preparation)
    if not columns:
        return []
    train = made.material.pool.rows(made.material.parts[0][0])
    target = learned.model.targets[0]
    found, total = groups(target, truth_of(target, train, made.schema))
    notes = [f"{total - len(found):,} further classes are not shown."] * (total > len(found))
    if made.resolved.mixing:
        notes.append("That two pictures are mixed (mixup, cutmix) is not shown.")
    made_of = [_album(made, column, train, found) for column in columns[:MOST_COLUMNS]]
    made_of[1:] = [replace(album, changes=()) for album in made_of[1:]]  # the same for all
    left = len(columns) - MOST_COLUMNS
    notes += [f"{left:,} further columns of pictures are not shown."] * (left > 0)
    last = made_of[-1]
    return [*made_of[:-1], replace(last, notes=(*last.notes, *notes))]


def groups(target: Column, truth: Truth) -> tuple[list[Group], int]:
    """Rows of each class, the classes with most rows first, and how many classes there are.

    Numbers are put into ranges that hold as many rows each.
    """
    known, true = np.flatnonzero(truth.known), truth.rows.truth
    if task_of(target) == "regression":
        edges = np.quantile(true, np.linspace(0, 1, _RANGES + 1))
        place = np.searchsorted(edges[1:-1], true, side="right")
        names = [_range(low, high) for low, high in pairwise(edges)]
        ranges = [Group(name, known[place == number]) for number, name in enumerate(names)]
        return [one for one in ranges if len(one.rows)], 0
    inside = true.astype(bool).T if true.ndim == 2 else None
    every = [
        Group(name, known[true == code if inside is None else inside[code]])
        for code, name in enumerate(class_names(target))
    ]
    every = [one for one in every if len(one.rows)]
    kept = sorted(every, key=lambda one: -len(one.rows))[:_CLASSES]
    return [one for one in every if one in kept], len(every)


def _range(low: float, high: float) -> str:
    return f"{number_in_words(float(low))} to {number_in_words(float(high))}"


def _album(made: Study, column: Column, train: Table, found: Sequence[Group]) -> Album:
    assert isinstance(column.fitted, FittedImage), "an album is of pictures"
    shown = [_some(made, column, train, group) for group in found]
    lost = sum(asked - len(rows) for rows, _, asked in shown)
    samples = [
        Strip(group.name, [Tile(one, f"A training picture: {group.name}") for one in pixels])
        for group, (_, pixels, _) in zip(found, shown, strict=True)
        if pixels
    ]
    originals = [
        (group.name, int(rows[0]), pixels[0])
        for group, (rows, pixels, _) in zip(found, shown, strict=True)
        if pixels
    ]
    note = f"Left out, since they cannot be read (any more): {lost:,} of those that were drawn."
    return Album(
        column=column.name,
        facts=picture_facts(column.fitted),
        samples=samples,
        changed=_changed(made, originals[:_ORIGINALS]),
        changes=_changes(made),
        notes=[note] if lost else [],
    )


def _some(
    made: Study, column: Column, train: Table, group: Group
) -> tuple[np.ndarray, list[Pixels], int]:
    """Rows of a group drawn by the seed, their pictures, and how many rows were drawn."""
    draw = numpy_generator(made.resolved.training.seed, "album", group.name)
    rows = np.sort(draw.permutation(group.rows)[:_EACH])
    pixels = pictures_of(column, train.rows(rows))
    there = np.array([one is not None for one in pixels], dtype=bool)
    return rows[there], [one for one in pixels if one is not None], len(rows)


def _changed(made: Study, originals: Sequence[tuple[str, int, Pixels]]) -> list[Strip]:
    """Each original beside what the training's own augmentation makes of it."""
    if not made.resolved.augment or not originals:
        return []
    example = torch.tensor([row for _, row, _ in originals])
    whole = np.stack([pixels for _, _, pixels in originals]).transpose(0, 3, 1, 2)
    seed, start = made.resolved.training.seed, torch.from_numpy(whole.copy())
    # Each in an epoch of its own: alternating flips turn with it.
    later = [made.resolved.augment.apply(start, example, seed, step, step) for step in _STEPS]
    versions = [batch.permute(0, 2, 3, 1).numpy() for batch in later]
    return [
        Strip(
            name,
            [
                Tile(pixels, f"A training picture of {name} as it is", ("as it is",)),
                *(
                    Tile(changed[place], f"The same picture, changed at step {step}")
                    for step, changed in zip(_STEPS, versions, strict=True)
                ),
            ],
        )
        for place, (name, _, pixels) in enumerate(originals)
    ]


def _changes(made: Study) -> list[str]:
    """What was decided on changing pictures, and why."""
    keys = ("augment.", "network.both_sides")
    decided = [one for one in made.resolved.decisions if one.key.startswith(keys)]
    return [
        f"{one.key}: {_word(one.value)} ({one.reason})" for one in decided if one.value is not None
    ]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def picture_facts(fitted: FittedImage) -> str:
    """Size, type, how it came about and the figures of the pixels, in a sentence or two.

    Example:
        >>> fitted = FittedImage(height=28, width=28, channels=1, mean=(0.5,), count=9,
        ...                      standard_deviation=(0.25,), num_missing=0, texture=())
        >>> picture_facts(fitted)
        '1 × 28 × 28 (grey, height, width), of 8 bits each; mean 127.5, deviation 63.8 of 255.'
    """
    colour = "grey" if fitted.channels == 1 else "red, green and blue"
    mean = " / ".join(f"{255 * one:.1f}" for one in fitted.mean)
    spread = " / ".join(f"{255 * one:.1f}" for one in fitted.standard_deviation)
    return (
        f"{fitted.channels} × {fitted.height} × {fitted.width} ({colour}, height, width), "
        f"of 8 bits each; mean {mean}, deviation {spread} of 255."
    )
