"""Train every part of a model and keep what it says of rows it has not learned from."""

import copy
import math
import multiprocessing
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import nn

from fathom.base.precision import Precision
from fathom.evaluation.calibrate import FEWEST_ROWS
from fathom.heads.head import Answer, joined
from fathom.models.assemble import HeadPlan
from fathom.models.model import Model, Part, in_unit, run_network
from fathom.models.network import Network
from fathom.models.preparation import Column, head_name
from fathom.objectives.supervised import Supervised
from fathom.tables.batches import RowExamples
from fathom.tables.schema import Schema
from fathom.training.bottleneck import percent
from fathom.training.learner import Event
from fathom.training.plan import TrainingPlan
from fathom.training.records import MEASURE_FROM, Options, Progress, Trained
from fathom.training.session import train_network
from fathom.training.side_by_side import Job, Send, at_once, run_side_by_side
from fathom.workflow.checking import validator
from fathom.workflow.engine import check_compiler, compiling_told, uncompiled
from fathom.workflow.judge import task_of
from fathom.workflow.material import Material
from fathom.workflow.ready import Ready, examples_of, ready_part, schema_of, targets_of
from fathom.workflow.resolve import Resolved

Watch = Callable[[int, int, Progress], None]
# Rows times members. 256 × 16 gained a fifth by a second thread; 32 × 8 took several times as long
# with it, on a machine with other work. A flat picture is several times as wide as a row.
_FEW_IN_A_STEP, _FEW_FLAT = 2048, 256
# Trainings of full length stay below 0.01, those cut short are above 0.04.
_STILL_FALLING = 0.03


@dataclass(frozen=True, kw_only=True)
class Around:
    """What goes on around the trainings of the parts; none of it changes the numbers.

    Attributes:
        folder: the run folder; None = nothing is kept on disk.
        resume: go on from what lies in the folder.
        watch: called with (part, parts, progress).
        watch_every: seconds between two calls; 0 = at every step.
        obey: for each part the events of an earlier training that shall happen again.
        identity: the fingerprint of all rows; a checkpoint from others is refused.
    """

    folder: Path | None = None
    resume: bool = False
    watch: Watch | None = None
    watch_every: float = 0.2
    obey: tuple[tuple[Event, ...], ...] = ()
    identity: str = ""

    def options(self, number: int, num_parts: int) -> Options:
        """What goes on around the training of one part."""
        folder, watch = self.folder, self.watch
        return Options(
            folder=None if folder is None else part_folder(folder, number, num_parts),
            resume=self.resume,
            watch=None if watch is None else lambda now: watch(number, num_parts, now),
            watch_every=self.watch_every,
            obey=self.obey[number] if self.obey else (),
            again=self.again,
            identity=f"{self.identity}, part {number + 1} of {num_parts}" * bool(self.identity),
            # Once for all parts, and not where a few steps are only tried.
            measure_from=MEASURE_FROM if folder is not None and number == 0 else math.inf,
        )

    @property
    def again(self) -> str:
        """What to do to go on after a stop."""
        if self.folder is None:
            return "Train again: nothing was kept on disk."
        return f"fathom train --resume {shlex.quote(str(self.folder))}"


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

    @property
    def still_falling(self) -> str:
        """That the training ended too early, in a sentence; "" where it did not."""
        share = float(np.median([one.late_gain for one in self.trained]))
        if not share >= _STILL_FALLING:
            return ""
        return (
            f"The validation loss was still falling when the training ended ({percent(share)} of "
            "its fall came in the last quarter of the steps): more epochs or time should help."
        )


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
    around, num_parts = around or Around(), len(material.parts)
    if resolved.value("training.compile"):
        check_compiler()
    turns = _turns(material, schema_of(schema, resolved), resolved, around)
    found = [*_side_by_side(turns, num_parts, resolved, around)]
    with _threads_for(resolved):
        found += [_train(turn, resolved) for turn in turns]
    parts = [outcome.part for outcome in found]
    model = Model(tuple(parts), resolved.network, parts_heads(parts, resolved))
    rows = np.concatenate([held for _, held in material.parts])
    part_of = np.repeat(np.arange(num_parts), [len(held) for _, held in material.parts])
    held = _held_answers(model, [outcome.answers for outcome in found])
    return Learned(model, tuple(outcome.trained for outcome in found), held, rows, part_of)


@dataclass(frozen=True)
class _Turn:
    """A part up to its first step, and the rows that are held out from it.

    Attributes:
        ready, held: its network with batches, and the rows.
        options: of its training.
        tempered: whether its checks judge classes at the temperature that suits them best, as
            one is fitted afterwards. Few pictures are soon known by heart: answers become ever
            surer, and better nonetheless.
    """

    ready: Ready
    held: RowExamples
    options: Options
    tempered: bool


@dataclass(frozen=True)
class _Outcome:
    """A trained part, and what it says of the rows that were held out from it."""

    part: Part
    trained: Trained
    answers: dict[str, Answer]


def _turns(
    material: Material, schema: Schema, resolved: Resolved, around: Around
) -> Iterator[_Turn]:
    """The parts, each made when it is its turn, so that not all lie in memory at once."""
    targets, pool = targets_of(material, schema), material.pool
    pictures = resolved.value("network.pictures") is not None
    num_held = sum(len(held_rows) for _, held_rows in material.parts)
    for number, (train_rows, held_rows) in enumerate(material.parts):
        ready = ready_part(pool.rows(train_rows), schema, targets, resolved)
        held = examples_of(ready.preparation, pool.rows(held_rows), schema.roles.weight)
        options = around.options(number, len(material.parts))
        tempered = pictures and num_held >= FEWEST_ROWS
        yield _Turn(ready, held.to(resolved.device), options, tempered)


def _side_by_side(
    turns: Iterator[_Turn], num_parts: int, resolved: Resolved, around: Around
) -> Iterator[_Outcome]:
    """As many parts as may be trained beside others here; none where that is not possible."""
    limit = at_once(num_parts, resolved.device)
    if limit == 1:
        return
    # One that is left over is alone at the end, and may as well have all threads.
    num_beside = num_parts - (num_parts % limit == 1)
    made: list[Part] = []

    def jobs() -> Iterator[Job]:
        for turn in islice(turns, num_beside):
            made.append(Part(turn.ready.preparation, turn.ready.network))
            yield partial(_beside, turn, resolved, limit)

    watch = around.watch
    tell = None if watch is None else lambda number, now: watch(number, num_parts, now)
    done = run_side_by_side(jobs(), limit, tell, around.again)
    for part, (weights, *rest) in zip(made, done, strict=True):
        yield _put_back(part, weights, *rest)


def threads_for(resolved: Resolved) -> int:
    """How many threads the steps of a training that is alone here get."""
    few = {None: _FEW_IN_A_STEP, "flat": _FEW_FLAT}.get(resolved.value("network.pictures"), 0)
    small = resolved.batch_size * resolved.network.members < few
    alone = small or multiprocessing.current_process().daemon
    return 1 if alone else torch.get_num_threads()


@contextmanager
def _threads_for(resolved: Resolved) -> Iterator[None]:
    """One thread where two would only wait for each other: small steps, a worker of a pool."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads_for(resolved))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(turn: _Turn, resolved: Resolved) -> _Outcome:
    ready, compiled = turn.ready, resolved.value("training.compile")
    precision = _precision_of_checks(resolved, ready.preparation.targets)
    validate = validator(ready.preparation, turn.held, precision, tempered=turn.tempered)
    if compiled:
        ready.network.compile_parts()
        validate = uncompiled(validate)
    with compiling_told():
        done = train_network(
            ready.network,
            ready.batches,
            Supervised(resolved.l1),
            training_plan(ready.network, resolved),
            validate,
            turn.options,
        )
    # A copy is not compiled: other sizes of batches are answered as the network was written.
    network = copy.deepcopy(ready.network) if compiled else ready.network
    answers = run_network(network, turn.held)
    # Answers are given on the processor from here on, wherever the training was.
    return _Outcome(Part(ready.preparation, network.cpu()), replace(done, network=network), answers)


def _precision_of_checks(resolved: Resolved, targets: tuple[Column, ...]) -> Precision:
    """As the steps compute, for pictures and classes: checks took 28 % of Adult's training.

    Numbers in tables are checked in fp32: some are learned to a hundredth of a per cent of their
    spread, which is below what bf16 tells apart.
    """
    pictures = resolved.value("network.pictures") is not None
    classes = all(task_of(column) != "regression" for column in targets)
    return resolved.training.precision if pictures or classes else "fp32"


def training_plan(network: Network, resolved: Resolved) -> TrainingPlan:
    """The plan, with the rates of layers that know something already."""
    if resolved.transfer is None:
        return resolved.training
    return replace(resolved.training, layers=resolved.transfer.layers(network))


def _beside(
    turn: _Turn, resolved: Resolved, limit: int, send: Send
) -> tuple[bytes, Trained, dict[str, Answer]]:
    """The same in another process, from which weights come back as bytes."""
    told = turn.options.watch is not None
    watch = (lambda now: send(replace(now, at_once=limit))) if told else None
    found = _train(replace(turn, options=replace(turn.options, watch=watch)), resolved)
    state = found.part.network.state_dict()
    weights = save({name: tensor.contiguous() for name, tensor in state.items()})
    return weights, replace(found.trained, network=nn.Identity()), found.answers


def _put_back(part: Part, weights: bytes, trained: Trained, answers: dict[str, Answer]) -> _Outcome:
    """The part as the other process trained it."""
    part.network.load_state_dict(load(weights))
    part.network.eval()
    return _Outcome(part, replace(trained, network=part.network), answers)


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
