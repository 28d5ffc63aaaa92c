"""For the report: where the networks look in held-out pictures, and what they are made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from fathom.base.seeds import numpy_generator
from fathom.base.tensors import Field
from fathom.encoders.image import ImageEncoder
from fathom.explanation.filters import first_filters, stage_maps, strongest
from fathom.explanation.saliency import saliency, smoothed
from fathom.heads.head import Answer
from fathom.models.model import Part
from fathom.models.preparation import Column, head_name
from fathom.reports.album import Look, Pixels, Strip, Tile
from fathom.reports.plates import heat_over
from fathom.tables.table import Table
from fathom.workflow.judge import Truth
from fathom.workflow.learn import Learned
from fathom.workflow.mistakes import answered, said_by, truth_in_words, wrongness
from fathom.workflow.study import Study
from fathom.workflow.tiles import grey, picture_block, picture_columns, pictures_of

_EACH = 3
_CANDIDATES = 12
MOST_COLUMNS = 2
_FILTERS, _CHANNELS = 32, 6
# A bell of so many pixels for a picture of this side.
_BELL = 1 / 28


@dataclass(frozen=True)
class Held:
    """What is known of the held-out rows, for the target that is looked for.

    Attributes:
        truth: of these rows.
        answer: to them.
        threshold: of two classes, from which probability on the second is answered.
    """

    truth: Truth
    answer: Answer
    threshold: float | None = None

    def said(self, place: int) -> int | None:
        """The class that was answered; None for a number."""
        chance = self.answer.probability
        return None if chance is None else answered(chance[place], self.threshold)


@dataclass(frozen=True)
class Shown:
    """A held-out row that is shown.

    Attributes:
        place: among the held rows.
        mark: whether it was answered rightly; "" where the target is a number.
    """

    place: int
    mark: Literal["", "right", "wrong"]


def looks(made: Study, learned: Learned, held: Held) -> list[Look]:
    """One for each column of pictures; none where there are none.

    Args:
        made: for the rows.
        learned: each row is looked at by the network that it was held out from.
        held: what is known of the held rows, for the first target.
    """
    pictures = picture_columns(learned.model.preparation)[:MOST_COLUMNS]
    rows = _rows(made, held) if pictures else []
    found: list[Look] = []
    for picture in pictures:
        strips = _some_of_each(rows, partial(_strip, made, learned, picture, held))
        found.append(_look(made, learned, picture, rows, strips))
    return [one for one in found if one.rows or one.filters]


def _rows(made: Study, held: Held) -> list[Shown]:
    """Rows answered rightly, drawn by the seed, and the worst mistakes; more than are shown."""
    known, true = np.flatnonzero(held.truth.known), held.truth.rows.truth
    draw = numpy_generator(made.resolved.training.seed, "looks")
    wrong = wrongness(held.truth, held.answer)
    if wrong is None:  # several labels at once are neither right nor wrong
        return [Shown(int(place), "") for place in draw.permutation(known)[:_CANDIDATES]]
    worst = np.argsort(-wrong, kind="stable")
    if held.answer.probability is None:
        usual = draw.permutation(worst[len(worst) // 2 :])
        return [Shown(int(known[n]), "") for n in (*worst[:_EACH], *usual[:_CANDIDATES])]
    right = np.array([held.said(int(place)) for place in known]) == true
    good = draw.permutation(np.flatnonzero(right))[:_CANDIDATES]
    missed = [n for n in worst if not right[n] and true[n] >= 0][:_CANDIDATES]
    return [
        *(Shown(int(known[n]), "right") for n in good),
        *(Shown(int(known[n]), "wrong") for n in missed),
    ]


def _some_of_each(rows: Sequence[Shown], strip: Callable[[Shown], Strip | None]) -> list[Strip]:
    """A few that are right, a few that are wrong; rows without a picture make way for others."""
    found: list[Strip] = []
    for mark, most in (("right", _EACH), ("wrong", _EACH), ("", 2 * _EACH)):
        tried = map(strip, (row for row in rows if row.mark == mark))
        found += islice((one for one in tried if one is not None), most)
    return found


def _strip(made: Study, learned: Learned, picture: Column, held: Held, row: Shown) -> Strip | None:
    """One picture beside its maps; None where there is no picture (any more)."""
    target = learned.model.targets[0]
    part = learned.model.parts[int(learned.held_part[row.place])]
    table = made.material.pool.rows(learned.held_rows[[row.place]])
    found = _maps(part, picture, table, held.said(row.place))
    if found is None:
        return None
    pixels, reacts, speaks = found
    said, sure = said_by(target, held.answer, row.place, held.threshold)
    true = truth_in_words(table.column(target.name)[0])
    told = f"Truth: {true}, answer: {said}"
    tiles = [Tile(pixels, told, ("the picture",), row.mark)]
    tiles.append(Tile(heat_over(pixels, reacts), f"Where the score reacts. {told}", ("reacts",)))
    if speaks is not None:
        words = f"What speaks for the answer. {told}"
        tiles.append(Tile(heat_over(pixels, speaks), words, ("speaks for it",)))
    number = int(made.material.origin[learned.held_rows[row.place]]) + 1
    judged = "right" if row.mark == "right" else f"truth: {true}"
    return Strip(f"{said}, {sure}" if sure else said, tiles, f"{judged}; row {number:,}")


def _maps(
    part: Part, picture: Column, table: Table, output: int | None
) -> tuple[Pixels, np.ndarray, np.ndarray | None] | None:
    """A picture, where the score reacts, and what speaks for it, all of one size."""
    inputs, block, encoder = _read(part, picture, table)
    field = inputs[block]
    if field.mask is not None and not bool(field.mask.all()):
        return None

    def score(pixels: Tensor) -> Tensor:
        return _score(part.network({**inputs, block: Field(pixels, field.mask)}), output)

    part.network.eval()
    found = saliency(score, field.data, encoder.net, encoder.both_sides)
    height, width = field.data.shape[2:]
    reacts = smoothed(found.pixels, max(height, width) * _BELL)
    pixels = field.data[0].permute(1, 2, 0).numpy()
    if found.places is None:
        return pixels, reacts.numpy(), None
    large = interpolate(found.places[None, None], (height, width), mode="bilinear")[0, 0]
    return pixels, reacts.numpy(), large.clamp_min(0).numpy()


def _read(part: Part, picture: Column, table: Table) -> tuple[dict[str, Field], str, ImageEncoder]:
    """All inputs of some rows, what the network calls the picture, and what reads it."""
    values = part.preparation.parse(table)
    fields = part.preparation.input_fields(values)
    block = picture_block(part.preparation, picture)
    encoder = part.network.encoders[block]
    assert isinstance(encoder, ImageEncoder), "pictures are read by it"
    return {name: field.rows(slice(None)) for name, field in fields.items()}, block, encoder


def _score(outputs: Mapping[str, Any], output: int | None) -> Tensor:
    """The mean over members of one class's logit, or of all that a head of numbers gives."""
    found = outputs[head_name(0)]
    return found.mean() if output is None else found[..., output].mean()


def _look(
    made: Study, learned: Learned, picture: Column, rows: Sequence[Shown], shown: Sequence[Strip]
) -> Look:
    """The maps, and what the first part's network is made of."""
    part = learned.model.parts[0]
    encoder = part.network.encoders[picture_block(part.preparation, picture)]
    assert isinstance(encoder, ImageEncoder), "pictures are read by it"
    mine = [row.place for row in rows if learned.held_part[row.place] == 0]
    table = made.material.pool.rows(learned.held_rows[mine])
    there = [n for n, one in enumerate(pictures_of(picture, table)) if one is not None][:1]
    return Look(
        column=picture.name,
        rows=shown,
        filters=_filters(encoder),
        stages=_stages(part, picture, table.rows(there)) if there else (),
    )


def _filters(encoder: ImageEncoder) -> Strip | None:
    """The first layer's filters: grey is nought, lighter is more, darker is less."""
    found = first_filters(encoder.net)
    if found is None or found.weight.shape[1] not in (1, 3):
        return None
    some = found.weight[:_FILTERS].permute(0, 2, 3, 1).numpy()
    tiles = [Tile(_balanced(one), f"Filter {n}") for n, one in enumerate(some, start=1)]
    num, _, height, width = found.weight.shape
    more = f" ({_FILTERS} are shown)" if num > _FILTERS else ""
    how = "learned" if found.learned else "from the training pictures: what varies in their patches"
    note = (
        f"The {num:,} filters of the first layer{more}, {how}. Each is laid on places of "
        f"{height} × {width} pixels. Grey is nought, lighter more, darker less."
    )
    return Strip("First layer", tiles, note)


def _balanced(one: np.ndarray) -> Pixels:
    top = max(float(np.abs(one).max()), 1e-12)
    return (127.5 + 127.5 * one / top).round().astype(np.uint8)


def _stages(part: Part, picture: Column, table: Table) -> list[Strip]:
    """A few channels of one picture after each stage, those that vary most over it."""
    inputs, block, encoder = _read(part, picture, table)
    part.network.eval()
    pixels = inputs[block].data[0].permute(1, 2, 0).numpy()
    found = [Strip("The picture", [Tile(pixels, "The picture that goes in")])]
    with torch.no_grad():
        stages = stage_maps(encoder.net, lambda: encoder(inputs[block]))
    for name, one in stages:
        some = strongest(one, _CHANNELS).numpy()
        tiles = [
            Tile(grey(plane, plane.min(), plane.max()), f"A channel after {name}") for plane in some
        ]
        found.append(Strip(name, tiles, " × ".join(map(str, one.shape))))
    return found
