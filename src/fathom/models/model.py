"""What is kept: preparation and network together, answering tables in the person's words."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fathom.base.errors import MissingExtra, RunError
from fathom.base.files import check_ordinary, read_sealed, write_atomically, write_sealed
from fathom.base.precision import Precision
from fathom.columns.category import FittedCategory
from fathom.columns.flag import FittedFlag
from fathom.columns.kind import Values
from fathom.columns.number import FittedNumber
from fathom.columns.set import FittedSet
from fathom.heads.head import Answer, AnswerSettings, joined
from fathom.models.assemble import HeadPlan, NetworkPlan, build_network
from fathom.models.network import Network
from fathom.models.picture_nets import stored_shape
from fathom.models.preparation import Column, Preparation, head_name
from fathom.models.room import weights_fit
from fathom.nets.mlp import Shape
from fathom.tables.batches import Examples, RowExamples, in_order
from fathom.tables.table import Table

# On a processor what a few rows need stays in its cache: 8,140 rows of Adult took 170 ms in pieces
# of 256 and 574 ms in pieces of 4,096. A GPU wants to be asked seldom.
_ROWS_AT_ONCE, _ROWS_ON_A_GPU = 256, 8192


@dataclass(frozen=True)
class Part:
    """One preparation with the network trained on it; a model of folds has several."""

    preparation: Preparation
    network: Network

    def answers(
        self, values: Mapping[str, Values], settings: Mapping[str, AnswerSettings]
    ) -> dict[str, Answer]:
        """Answers to parsed rows in the person's unit, by target column.

        Args:
            values: as `preparation.parse` gives them.
            settings: target column -> how outputs become answers; plain where not named.
        """
        inputs = self.preparation.input_fields(values)
        device = next(self.network.parameters()).device
        num_rows = len(next(iter(values.values())))
        examples = RowExamples(inputs, {}, torch.ones(num_rows)).to(device)
        heads = {
            head_name(place): settings[column.name]
            for place, column in enumerate(self.preparation.targets)
            if column.name in settings
        }
        raw = run_network(self.network, examples, heads)
        return {
            column.name: in_unit(column, raw[head_name(place)])
            for place, column in enumerate(self.preparation.targets)
        }


def run_network(
    network: Network,
    examples: Examples,
    settings: Mapping[str, AnswerSettings] | None = None,
    precision: Precision = "fp32",
) -> dict[str, Answer]:
    """Answers to all examples in order, by head, on the scale of the fitted targets.

    A model answers in fp32, whatever the training used: an answer must not depend on the
    machine's matrix units, nor on which rows were asked together. Only the checks of a training
    compute as its steps do. Answered batch by batch, since only the
    head knows what its outputs are and how those of several batches go together.

    Args:
        network: is left in eval mode.
        examples: any number of them, on the network's device.
        settings: head -> how outputs become answers; plain where not named.
        precision: what matrix products are computed in.
    """
    network.eval()
    given = settings or {}
    found: dict[str, list[Answer]] = {name: [] for name in network.heads}
    kind, bf16 = examples.weight.device.type, precision == "bf16"
    size = _ROWS_AT_ONCE if kind == "cpu" else _ROWS_ON_A_GPU
    with torch.inference_mode():
        for batch in in_order(examples, size):
            with torch.autocast(kind, torch.bfloat16, enabled=bf16):
                outputs = network(batch.inputs)
            for name, output in outputs.items():
                head = network.head(name)
                found[name].append(head.answer(output, given.get(name, AnswerSettings())))
    return {name: joined(answers) for name, answers in found.items()}


@dataclass(frozen=True)
class Model:
    """One part, or one per fold whose answers are averaged.

    Attributes:
        parts: preparation and network, at least one.
        plan: what the networks look like.
        heads: how answers were learned.
        settings: target column -> what validation rows chose for its answers.
    """

    parts: tuple[Part, ...]
    plan: NetworkPlan
    heads: HeadPlan
    settings: dict[str, AnswerSettings] = field(default_factory=dict[str, AnswerSettings])

    @property
    def preparation(self) -> Preparation:
        """That of the first part, for everything but fitted figures."""
        return self.parts[0].preparation

    @property
    def targets(self) -> tuple[Column, ...]:
        return self.preparation.targets

    def answer(self, table: Table) -> dict[str, Answer]:
        """Answers to all rows of a table in order, by target column."""
        answers = self.answers_by_part(self.preparation.parse(table))
        return {
            column.name: average([answer[column.name] for answer in answers])
            for column in self.targets
        }

    def answers_by_part(self, values: Mapping[str, Values]) -> list[dict[str, Answer]]:
        """What each part alone answers to rows that `preparation.parse` has read."""
        return [part.answers(values, self.settings) for part in self.parts]


def in_unit(column: Column, answer: Answer) -> Answer:
    """A head's answer in the person's unit; only numbers have one."""
    fitted = column.fitted
    if not isinstance(fitted, FittedNumber):
        return answer
    back = {
        name: None if part is None else fitted.unscale(torch.as_tensor(part).double()).numpy()
        for name, part in (("value", answer.value), ("quantiles", answer.quantiles))
    }
    return Answer(value=back["value"], quantiles=back["quantiles"])


def average(answers: list[Answer]) -> Answer:
    """The mean of several answers to the same rows, class by class, number by number."""
    if len(answers) == 1:
        return answers[0]
    assert answers[0].field is None, "answers of several parts have no mean"
    return Answer(
        value=_mean([answer.value for answer in answers]),
        quantiles=_mean([answer.quantiles for answer in answers]),
        probability=_mean([answer.probability for answer in answers]),
    )


def _mean(parts: list[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.mean(known, axis=0) if known else None


def class_names(column: Column) -> tuple[str, ...]:
    """The words of a target of classes or labels; empty for numbers."""
    fitted = column.fitted
    return fitted.levels if isinstance(fitted, FittedCategory | FittedFlag | FittedSet) else ()


def save_model(model: Model, folder: Path) -> None:
    """Weights to model.safetensors, all else to preparation.json, each whole or not at all."""
    weights = {
        f"part_{number}.{name}": tensor.detach().cpu().contiguous().clone()
        for number, part in enumerate(model.parts)
        for name, tensor in part.network.state_dict().items()
    }
    place = folder / "model.safetensors"
    write_atomically(place, lambda aside: save_file(weights, aside))
    write_sealed(
        folder / "preparation.json",
        {
            "network": asdict(model.plan),
            "heads": asdict(model.heads),
            "settings": {name: asdict(found) for name, found in model.settings.items()},
            "parts": [part.preparation.to_dict() for part in model.parts],
            "weights": _fingerprint(place),
        },
    )


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_weights(path: Path, expected: str) -> None:
    """Weights of which some bytes were changed would answer all the same.

    Raises:
        RunError: they are not those that were saved.
    """
    found = _fingerprint(path)
    if found != expected:
        raise RunError(
            "The weights of the run are not those that were saved.",
            where=str(path),
            expected=f"the fingerprint {expected[:16]}…",
            got=f"{found[:16]}…",
            do="The file is damaged or was exchanged: restore it, or train again.",
        )


def load_model(folder: Path) -> Model:
    """The model of a run folder. Runs none of the folder's content: no pickle, no code.

    Raises:
        RunError: a file is missing, damaged or of a newer make.
        MissingExtra: a part of it is built by a package that is not installed.
    """
    content = read_sealed(folder / "preparation.json")
    try:
        network = content["network"]
        of_pictures, shape = stored_shape(network), Shape(**network["shape"])
        plan = NetworkPlan(**{**network, "shape": shape, "picture_shape": of_pictures})
        weights = content["heads"]["class_weights"]
        tuples = None if weights is None else {k: tuple(v) for k, v in weights.items()}
        heads = HeadPlan(**{**content["heads"], "class_weights": tuples})
        settings = {name: AnswerSettings(**found) for name, found in content["settings"].items()}
        preparations = [Preparation.from_dict(item) for item in content["parts"]]
        check_ordinary(folder / "model.safetensors")
        _check_weights(folder / "model.safetensors", content["weights"])
        stored = load_file(folder / "model.safetensors")
        parts = tuple(
            _load_part(number, preparation, plan, heads, stored)
            for number, preparation in enumerate(preparations)
        )
    except MissingExtra:
        raise
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        OSError,
        RuntimeError,
        SafetensorError,
    ) as error:
        raise RunError(
            "The model of the run cannot be read.",
            where=str(folder),
            expected="preparation.json and model.safetensors that fit together",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            do="The folder is damaged: restore it, or train again.",
        ) from error
    return Model(parts, plan, heads, settings)


def _load_part(
    number: int,
    preparation: Preparation,
    plan: NetworkPlan,
    heads: HeadPlan,
    stored: dict[str, Tensor],
) -> Part:
    with weights_fit():
        network = build_network(preparation, plan, heads)
    prefix = f"part_{number}."
    mine = {n.removeprefix(prefix): t for n, t in stored.items() if n.startswith(prefix)}
    network.load_state_dict(mine)
    network.eval()
    return Part(preparation, network)
