"""Train every part of a model and keep what it says of rows it has not learned from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from safetensors.torch import load, save
from torch import nn

from fathom.heads.head import Answer, joined
from fathom.models.assemble import HeadPlan
from fathom.models.model import Model, Part, in_unit, run_network
from fathom.models.preparation import head_name
from fathom.objectives.supervised import Supervised
from fathom.tables.batches import RowExamples
from fathom.tables.schema import Schema
from fathom.training.learner import Event
from fathom.training.records import Options, Progress, Trained
from fathom.training.session import train_network
from fathom.training.side_by_side import Send, at_once, run_side_by_side
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
    limit = at_once(num_parts, resolved.device)
    # One that is left over is alone at the end, and may as well have all threads.
    num_beside = 0 if limit == 1 else num_parts - (num_parts % limit == 1)
    readies: list[Ready] = []

    def made() -> Iterator[tuple[Ready, RowExamples, Options]]:
        """Every part up to its first step, when it is its turn."""
        for number, (train_rows, held_rows) in enumerate(material.parts):
            ready = ready_part(pool.rows(train_rows), schema, targets, resolved)
            examples = examples_of(ready.preparation, pool.rows(held_rows), schema.roles.weight)
            readies.append(ready)
            yield ready, examples.to(resolved.device), around.options(number, num_parts)

    turns = made()
    jobs = (partial(_beside, *turn, resolved, limit) for turn in islice(turns, num_beside))
    told = None if around.watch is None else _teller(around.watch, num_parts)
    results = run_side_by_side(jobs, limit, told) if num_beside else []
    found = [_put_back(ready, *result) for ready, result in zip(readies, results, strict=True)]
    found += [_train(*turn, resolved) for turn in turns]
    trained = tuple(done for done, _ in found)
    answers = [answer for _, answer in found]
    # Answers are given on the processor from here on, wherever the training was.
    parts = [Part(ready.preparation, ready.network.cpu()) for ready in readies]
    model = Model(tuple(parts), resolved.network, parts_heads(parts, resolved))
    rows = np.concatenate([held for _, held in material.parts])
    part_of = np.repeat(np.arange(len(parts)), [len(held) for _, held in material.parts])
    held = _held_answers(model, answers)
    return Learned(model, trained, held, rows, part_of)


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


def _train(
    ready: Ready, examples: RowExamples, options: Options, resolved: Resolved
) -> tuple[Trained, dict[str, Answer]]:
    """Train one part; what it says of the rows that were held out from it."""
    done = train_network(
        ready.network,
        ready.batches,
        Supervised(resolved.l1),
        resolved.training,
        validator(ready.preparation, examples),
        options,
    )
    return done, run_network(ready.network, examples)


def _beside(
    ready: Ready,
    examples: RowExamples,
    options: Options,
    resolved: Resolved,
    limit: int,
    send: Send,
) -> tuple[bytes, Trained, dict[str, Answer]]:
    """The same in another process, from which weights come back as bytes."""
    watch = None if options.watch is None else lambda now: send(replace(now, at_once=limit))
    done, answer = _train(ready, examples, replace(options, watch=watch), resolved)
    weights = {name: tensor.contiguous() for name, tensor in ready.network.state_dict().items()}
    return save(weights), replace(done, network=nn.Identity()), answer


def _put_back(
    ready: Ready, weights: bytes, done: Trained, answer: dict[str, Answer]
) -> tuple[Trained, dict[str, Answer]]:
    """The network as the other process trained it."""
    ready.network.load_state_dict(load(weights))
    ready.network.eval()
    return replace(done, network=ready.network), answer


def _teller(watch: Watch, num_parts: int) -> Callable[[int, Progress], None]:
    return lambda number, now: watch(number, num_parts, now)


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
