"""Train every part of a model and keep what it says of rows it has not learned from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fathom.heads.head import Answer, joined
from fathom.models.assemble import HeadPlan
from fathom.models.model import Model, Part, in_unit, run_network
from fathom.models.preparation import head_name
from fathom.objectives.supervised import Supervised
from fathom.tables.schema import Schema
from fathom.tables.table import Table
from fathom.training.learner import Event
from fathom.training.records import Options, Progress, Trained
from fathom.training.session import train_network
from fathom.workflow.checking import validator
from fathom.workflow.material import Material
from fathom.workflow.ready import Ready, examples_of, ready_part, schema_of, targets_of
from fathom.workflow.resolve import Resolved

Watch = Callable[[int, int, Progress], None]


@dataclass(frozen=True, kw_only=True)
class Around:
    """What goes on around the trainings of the parts; none of it changes the numbers.

    Attributes:
        folder: the run folder; None = nothing is kept on disk.
        resume: go on from what lies in the folder.
        watch: called with (part, parts, progress).
        watch_every: seconds between two calls; 0 = at every step.
        obey: for each part the events of an earlier training that shall happen again.
    """

    folder: Path | None = None
    resume: bool = False
    watch: Watch | None = None
    watch_every: float = 0.2
    obey: tuple[tuple[Event, ...], ...] = ()

    def options(self, number: int, num_parts: int) -> Options:
        """What goes on around the training of one part."""
        folder, watch = self.folder, self.watch
        return Options(
            folder=None if folder is None else part_folder(folder, number, num_parts),
            resume=self.resume,
            watch=None if watch is None else lambda now: watch(number, num_parts, now),
            watch_every=self.watch_every,
            obey=self.obey[number] if self.obey else (),
            again=f"fathom train --resume {folder}",
        )


@dataclass(frozen=True)
class Learned:
    """A trained model and what it says of rows that it was not trained on.

    Attributes:
        model: preparation and networks, settings chosen.
        trained: one record per part.
        held: target column -> answers to the validated rows of the pool.
        held_rows: positions in the pool of those rows, and the part that answered each.
        held_part: see there.
    """

    model: Model
    trained: tuple[Trained, ...]
    held: dict[str, Answer]
    held_rows: np.ndarray
    held_part: np.ndarray


def learn(
    material: Material, schema: Schema, resolved: Resolved, around: Around | None = None
) -> Learned:
    """Train one network per part.

    Args:
        material: the rows.
        schema: the kinds of the columns.
        resolved: the plans.
        around: run folder, progress, resume.
    """
    schema = schema_of(schema, resolved)
    targets = targets_of(material, schema)
    around, num_parts, pool = around or Around(), len(material.parts), material.pool
    parts: list[Part] = []
    trained: list[Trained] = []
    answers: list[dict[str, Answer]] = []
    for number, (train_rows, held_rows) in enumerate(material.parts):
        ready = ready_part(pool.rows(train_rows), schema, targets, resolved)
        options = around.options(number, num_parts)
        part, done, answer = _learn_part(ready, pool.rows(held_rows), schema, resolved, options)
        parts.append(part)
        trained.append(done)
        answers.append(answer)
    model = Model(tuple(parts), resolved.network, parts_heads(parts, resolved))
    rows = np.concatenate([held for _, held in material.parts])
    part_of = np.repeat(np.arange(len(parts)), [len(held) for _, held in material.parts])
    held = _held_answers(model, answers)
    return Learned(model, tuple(trained), held, rows, part_of)


def part_folder(folder: Path, number: int, num_parts: int) -> Path:
    """Where a part keeps its checkpoint and history."""
    return folder if num_parts == 1 else folder / "folds" / str(number)


def parts_heads(parts: list[Part], resolved: Resolved) -> HeadPlan:
    """The plan of the heads as the networks were built with it."""
    if not resolved.balanced_loss:
        return resolved.heads
    return replace(resolved.heads, class_weights=_class_weights(parts[0]))


def _class_weights(part: Part) -> dict[str, tuple[float, ...]]:
    """Buffers of the trained heads; what they hold is restored from the weights on loading."""
    found: dict[str, tuple[float, ...]] = {}
    for place, column in enumerate(part.preparation.targets):
        weight = getattr(part.network.heads[head_name(place)], "class_weight", None)
        if weight is not None:
            found[column.name] = tuple(weight.tolist())
    return found


def _learn_part(
    ready: Ready, held: Table, schema: Schema, resolved: Resolved, options: Options
) -> tuple[Part, Trained, dict[str, Answer]]:
    examples = examples_of(ready.preparation, held, schema.roles.weight).to(resolved.device)
    done = train_network(
        ready.network,
        ready.batches,
        Supervised(resolved.l1),
        resolved.training,
        validator(ready.preparation, examples),
        options,
    )
    answer = run_network(ready.network, examples)
    # Answers are given on the processor from here on, wherever the training was.
    return Part(ready.preparation, ready.network.cpu()), done, answer


def _held_answers(model: Model, answers: list[dict[str, Answer]]) -> dict[str, Answer]:
    """The answers of each part to its own held rows, one after the other."""
    return {
        column.name: joined(
            [
                in_unit(part.preparation.targets[place], answer[head_name(place)])
                for part, answer in zip(model.parts, answers, strict=True)
            ]
        )
        for place, column in enumerate(model.targets)
    }
