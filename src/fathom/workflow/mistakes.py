"""For the report: the held rows that the model got most wrong, and classes that it confuses.

Never test rows: what is looked at becomes known.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fathom.evaluation.words import number_in_words
from fathom.heads.head import Answer
from fathom.models.model import class_names
from fathom.models.preparation import Column
from fathom.reports.album import Strip, Tile
from fathom.tables.table import Table
from fathom.workflow.judge import Choice, Truth, said_of, task_of
from fathom.workflow.learn import Learned
from fathom.workflow.study import Study
from fathom.workflow.tiles import file_name, picture_columns, pictures_of

_WORST = 12
_CELLS = 12
_PAIRS, _EACH = 5, 4
_LONG = 9


def wrongness(truth: Truth, answer: Answer) -> np.ndarray | None:
    """How wrong each known row is answered; None where an answer is neither number nor class."""
    known, true = np.flatnonzero(truth.known), truth.rows.truth
    if answer.value is not None:
        return np.abs(true - answer.value[known])
    if true.ndim == 1 and answer.probability is not None:
        chance = answer.probability[known]
        return np.where(true >= 0, 1 - chance[np.arange(len(true)), np.maximum(true, 0)], -1)
    return None


def worst(
    made: Study, learned: Learned, asked: tuple[Column, Choice], truth: Truth, answer: Answer
) -> list[dict[str, Any]]:
    """The held rows that the model got most wrong."""
    column, choice = asked
    wrong = wrongness(truth, answer)
    if wrong is None:
        return []
    order = np.argsort(-wrong, kind="stable")
    order = order[_mistaken(asked, truth, answer)[order]][:_WORST]
    if not len(order):
        return []
    places = np.flatnonzero(truth.known)[order]
    rows = made.material.pool.rows(learned.held_rows[places])
    said = [said_by(column, answer, int(place), choice.threshold) for place in places]
    true = [truth_in_words(one) for one in rows.column(column.name)]
    words = [f"Truth: {one}, answer: {other}" for one, (other, _) in zip(true, said, strict=True)]
    tiles = _tiles(learned, rows, words)
    found: list[dict[str, Any]] = []
    for number, place in enumerate(places):
        found.append(
            {
                "row": int(made.material.origin[learned.held_rows[place]]) + 1,
                "truth": true[number],
                "answer": said[number][0],
                "sure": said[number][1],
                "cells": _cells(made, rows, number),
                "pictures": tiles[number],
            }
        )
    return found


def _mistaken(asked: tuple[Column, Choice], truth: Truth, answer: Answer) -> np.ndarray:
    """Which known rows are answered wrongly; a number is never met exactly."""
    label = said_of(asked[0], answer, asked[1].threshold).label
    if label is None:
        return np.ones(len(truth.rows.truth), dtype=bool)
    return label[truth.known] != truth.rows.truth


def _tiles(learned: Learned, rows: Table, words: Sequence[str]) -> list[list[Tile]]:
    """The pictures of each row, column by column; what is no picture (any more) is left out."""
    found: list[list[Tile]] = [[] for _ in words]
    for picture in picture_columns(learned.model.preparation):
        for number, pixels in enumerate(pictures_of(picture, rows)):
            if pixels is not None:
                found[number].append(Tile(pixels, words[number]))
    return found


def _cells(made: Study, rows: Table, number: int) -> dict[str, str]:
    """What the row holds; of pictures the names of their files."""
    found: dict[str, str] = {}
    for name in list(made.schema.inputs)[:_CELLS]:
        value = rows.column(name)[number]
        if made.schema.columns[name].kind.name != "image":
            found[name] = cell(value)
        elif file_name(value):
            found[name] = file_name(value)
    return found


def confused(
    made: Study, learned: Learned, asked: tuple[Column, Choice], truth: Truth, answer: Answer
) -> list[Strip]:
    """Pictures of the pairs of classes that are most often taken for one another."""
    column, choice = asked
    pictures = picture_columns(learned.model.preparation)
    if not pictures or task_of(column) not in ("binary", "multiclass"):
        return []
    known, true = np.flatnonzero(truth.known), truth.rows.truth
    said = said_of(column, answer, choice.threshold)
    assert said.label is not None, "classes are decided"
    assert answer.probability is not None, "classes have probabilities"
    label, chance = said.label[known], answer.probability[known]
    names = class_names(column)
    found: list[Strip] = []
    for one, other, count in _pairs(true, label):
        inside = np.flatnonzero((true == one) & (label == other))
        surest = inside[np.argsort(-chance[inside, other], kind="stable")[:_EACH]]
        rows = made.material.pool.rows(learned.held_rows[known[surest]])
        tiles = [
            Tile(pixels, f"Truth: {names[one]}, answer: {names[other]}", (_percent(sure),))
            for pixels, sure in zip(
                pictures_of(pictures[0], rows), chance[surest, other], strict=True
            )
            if pixels is not None
        ]
        note = f"{count:,} of {int((true == one).sum()):,} rows"
        found.append(Strip(f"{names[one]}, taken for {names[other]}", tiles, note))
    return [strip for strip in found if strip.tiles]


def _pairs(true: np.ndarray, label: np.ndarray) -> list[tuple[int, int, int]]:
    """(truth, answer, rows), the most frequent mistakes first."""
    wrong = (true >= 0) & (true != label)
    pairs, counts = np.unique(
        np.stack([true[wrong], label[wrong]], axis=1), axis=0, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")[:_PAIRS]
    return [(int(pairs[n, 0]), int(pairs[n, 1]), int(counts[n])) for n in order]


def said_by(
    column: Column, answer: Answer, place: int, threshold: float | None = None
) -> tuple[str, str]:
    """One row's answer in the person's words, and how sure it is.

    Args:
        column: the target.
        answer: of all rows.
        place: of the row.
        threshold: of two classes, from which probability on the second is answered.
    """
    if answer.value is not None:
        return number_in_words(float(answer.value[place])), ""
    assert answer.probability is not None, "what is no number has probabilities"
    best = answered(answer.probability[place], threshold)
    return str(class_names(column)[best]), _percent(answer.probability[place][best])


def answered(chance: np.ndarray, threshold: float | None = None) -> int:
    """The class that is answered.

    Example:
        >>> answered(np.array([0.6, 0.4])), answered(np.array([0.6, 0.4]), 0.3)
        (0, 1)
    """
    return int(chance.argmax()) if threshold is None else int(chance[1] >= threshold)


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %"


def truth_in_words(value: object) -> str:
    """A cell of a target as text; long numbers are rounded.

    Example:
        >>> truth_in_words(173.17724840395866), truth_in_words(45102.33), truth_in_words("cat")
        ('173.2', '45102.33', 'cat')
    """
    text = cell(value)
    if isinstance(value, float) and len(text) > _LONG:
        return number_in_words(value)
    return text


def cell(value: object) -> str:
    """A cell as text."""
    return "" if value is None else str(value)
