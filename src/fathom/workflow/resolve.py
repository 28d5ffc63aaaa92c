"""Every decision that the recipe left open, each with its reason, and the plans they make."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from fathom.base.errors import RecipeError
from fathom.base.records import Decision
from fathom.columns.category import Category
from fathom.columns.kind import Kind
from fathom.columns.number import Number
from fathom.metrics.catalogue import metric_named
from fathom.models.assemble import HeadPlan, NetworkPlan
from fathom.models.preparation import PreparationPlan
from fathom.nets.mlp import Shape
from fathom.tables.augment import Augmentation
from fathom.tables.mixing import Mixing
from fathom.training.averaging import AveragingPlan
from fathom.training.plan import TrainingPlan
from fathom.training.schedules import SCHEDULES, SchedulePlan
from fathom.workflow.decider import CLASSES, MANY_ROWS, Circumstances, Decider, noisy
from fathom.workflow.engine import decide_engine
from fathom.workflow.optimizing import decide_optimizer
from fathom.workflow.pictures import (
    changes,
    decide_picture_net,
    decide_shape,
    mixture,
    only_pictures,
    views,
)
from fathom.workflow.recipe import Recipe
from fathom.workflow.transfer import Transfer, decide_transfer

# What the one dial turns: members, width, how many steps are taken; channels and blocks of
# networks for pictures.
SIZES: dict[str, dict[str, int]] = {
    "small": {"members": 8, "width": 128, "steps": 600, "channels": 32, "blocks": 1},
    "medium": {"members": 16, "width": 256, "steps": 1200, "channels": 48, "blocks": 2},
    "large": {"members": 32, "width": 512, "steps": 3000, "channels": 64, "blocks": 3},
}

# Through few pictures: twice as many were no better (LOG.md, 29 November).
_MOST_PASSES = 80

_NO_NUMBER = "no input is a number"
_NO_CATEGORY = "no input is a category"


@dataclass(frozen=True)
class Resolved:
    """All settings with a value, as plans.

    Attributes:
        decisions: one per setting, in the order they were taken.
        preparation, network, heads, training: the plans that follow from them.
        batch_size: rows in a step.
        balanced_sampling: whether rare classes are drawn more often.
        balanced_loss: whether rare classes count more.
        l1: pull of the L1 penalty.
        device: where it trains.
        augment: how pictures are changed at every step.
        mixing: how they are mixed with one another at every step.
        transfer: the trained network that it starts from, if it does.
    """

    decisions: tuple[Decision, ...]
    preparation: PreparationPlan
    network: NetworkPlan
    heads: HeadPlan
    training: TrainingPlan
    batch_size: int
    balanced_sampling: bool
    balanced_loss: bool
    l1: float
    device: torch.device
    augment: Augmentation = field(default_factory=Augmentation)
    mixing: Mixing = field(default_factory=Mixing)
    transfer: Transfer | None = None

    def value(self, key: str) -> Any:
        """What was decided for a key."""
        return next(decision.value for decision in self.decisions if decision.key == key)


def resolve(recipe: Recipe, facts: Circumstances) -> Resolved:
    """Decide everything that was left open.

    Args:
        recipe: what was said.
        facts: what the decisions may depend on.

    Raises:
        RecipeError: a value that was said cannot be.
    """
    decide = Decider(recipe)
    size = SIZES[decide("size", "medium", "a good answer within a minute or two")]
    seed = decide("seed", 0, "the same seed gives the same model")
    decide("look", True, "a fault in the rows is better known before a score than after it")
    preparation = _preparation(decide, facts, seed)
    network = _network(decide, size, facts, seed)
    heads, balanced_loss, l1 = _losses(decide, facts)
    batch_size = _batch_size(decide, facts)
    training = _training(decide, facts, size, batch_size, seed)
    first = next(iter(facts.tasks.values()))
    sampling = decide.where(
        first in CLASSES,
        "training.sampling",
        "plain",
        "every row once an epoch",
        "the target has no classes that could be rare",
    )
    augment, mixing = changes(decide, facts), mixture(decide, facts)
    transfer = decide_transfer(decide, facts)
    _evaluation(decide, facts)
    return Resolved(
        tuple(decide.decisions),
        preparation,
        network,
        heads,
        training,
        batch_size,
        sampling == "balanced",
        balanced_loss,
        l1,
        facts.device,
        augment,
        mixing,
        transfer,
    )


def compares(resolved: Resolved) -> bool:
    """Whether a training from scratch stands beside one that starts from a trained network."""
    wanted = resolved.transfer is not None and resolved.transfer.compare
    return wanted and bool(resolved.value("evaluate.baselines"))


def _preparation(decide: Decider, facts: Circumstances, seed: int) -> PreparationPlan:
    numbers, words = facts.inputs.get("number", 0), facts.inputs.get("category", 0)
    for name, value, reason in (
        ("scaling", "robust", "median and quartiles do not mind outliers"),
        ("clip", 3.0, "values far out are pulled in smoothly"),
        ("impute", "mean", "with a sign beside it that says so"),
        ("log", False, "the bins of numbers see every magnitude anyway"),
    ):
        decide.where(numbers > 0, f"prepare.{name}", value, reason, _NO_NUMBER)
    every = "every word seen in training is a level"
    decide.where(words > 0, "prepare.min_count", 1, every, _NO_CATEGORY)
    decide.where(
        decide.recipe.get("look", True) or not decide.recipe.get("prepare.drop_leaks", True),
        "prepare.drop_leaks",
        True,
        "a column that gives the target away is not known later",
        "nothing is looked for in the rows",
    )
    return _axes(decide, facts, numbers, seed)


def _axes(decide: Decider, facts: Circumstances, numbers: int, seed: int) -> PreparationPlan:
    """In how many bins, single values and turned axes numbers are seen.

    To say 0, none of them, is a wish that is met where there could be none.
    """
    said = decide.recipe.get
    plain = said("network.name") == "linear" or said("network.number_dim") == 0
    fits = numbers > 0 and not plain
    otherwise = "the network sees plain numbers" if numbers else _NO_NUMBER
    bins = min(200 if noisy(facts) else 48, max(2, facts.num_rows // 8))
    repeats = 100 if "regression" in facts.tasks.values() else 20
    few = "fewer than two inputs are numbers" if numbers else _NO_NUMBER
    num_bins = decide.where(
        fits, "prepare.num_bins", bins, f"{facts.num_rows:,} training rows fill them", otherwise
    )
    often = "a value met so often can have a meaning of its own"
    least_repeats = decide.where(
        fits or said("prepare.least_repeats") == 0,
        "prepare.least_repeats",
        repeats,
        often,
        otherwise,
    )
    num_pairs = decide.where(
        numbers > 1 or said("prepare.num_pairs") == 0,
        "prepare.num_pairs",
        4 if facts.num_rows >= 200 else 0,
        "the strongest pairs of numbers see oblique borders",
        few,
    )
    none = few if num_pairs is None else "no pair of numbers gets turned axes"
    angles = decide.where(bool(num_pairs), "prepare.num_angles", 16, "steps of 11 degrees", none)
    return PreparationPlan(
        num_bins=num_bins or bins,
        least_repeats=least_repeats or 0,
        num_pairs=num_pairs or 0,
        num_angles=angles or 1,
        seed=seed,
    )


def _width(facts: Circumstances, size: Mapping[str, int]) -> tuple[int, str]:
    if facts.num_rows < MANY_ROWS or noisy(facts):
        return size["width"] // 2, "half of what goes with the size: wider did not help such data"
    return size["width"], "goes with the size"


def _dropout(facts: Circumstances) -> tuple[float, str]:
    if noisy(facts):
        return 0.2, "yes or no is seldom certain: guard against learning chance by heart"
    return 0.0, "the ensemble and the early stop guard enough"


def _network(
    decide: Decider, size: Mapping[str, int], facts: Circumstances, seed: int
) -> NetworkPlan:
    if only_pictures(facts):
        usual = ("linear", "behind a network for pictures one layer is enough")
    else:
        usual = ("ensemble", "the best of the networks for tables in our trials")
    name = decide("network.name", *usual)
    picture_net = decide_picture_net(decide, facts)
    of_pictures = decide_shape(decide, facts, size, picture_net)
    sides, nudged = views(decide, facts)
    deep = name != "linear"
    hidden = {
        "width": _width(facts, size),
        "depth": (2, "deeper seldom helps on tables"),
        "activation": ("relu", "plain and fast"),
        "norm": ("none", "inputs are scaled already"),
        "dropout": _dropout(facts),
        "initialisation": ("default", "PyTorch's own"),
    }
    none = "a linear network has no hidden layers"
    shape = {
        key: decide.where(deep, f"network.{key}", value, reason, none)
        for key, (value, reason) in hidden.items()
    }
    members = decide.where(
        name == "ensemble",
        "network.members",
        size["members"],
        "goes with the size",
        f"'{name}' is a single network",
    )
    numbers, words = facts.inputs.get("number", 0), facts.inputs.get("category", 0)
    number_dim = decide.where(
        deep and numbers > 0,
        "network.number_dim",
        16,
        "enough for bends",
        "a linear network sees plain numbers" if numbers else _NO_NUMBER,
    )
    category_dim = decide.where(
        words > 0, "network.category_dim", 16, "enough for the levels of a column", _NO_CATEGORY
    )
    return NetworkPlan(
        name=name,
        pictures=picture_net or "residual",
        both_sides=sides,
        nudged=nudged,
        picture_shape=of_pictures if facts.body is None else facts.body.shape,
        members=members or 1,
        shape=Shape(**shape) if deep else Shape(),
        number_dim=number_dim or 0,
        category_dim=category_dim or 1,
        seed=seed,
    )


def _losses(decide: Decider, facts: Circumstances) -> tuple[HeadPlan, bool, float]:
    tasks = set(facts.tasks.values())
    numbers, classes = "regression" in tasks, bool(tasks & CLASSES)
    none = "no target has classes"
    number = decide.where(
        numbers,
        "loss.number",
        "mean_squared_error",
        "aims at the mean, as rmse does",
        "no target is a number",
    )
    category = decide.where(
        classes, "loss.category", "cross_entropy", "aims at honest probabilities", none
    )
    smoothing = decide.where(
        classes, "loss.label_smoothing", 0.0, "it would blur the probabilities", none
    )
    weight = decide.where(
        classes, "loss.class_weight", "none", "weights would bend the probabilities", none
    )
    l1 = decide("loss.l1", 0.0, "no weights need to be exactly zero")
    heads = HeadPlan(
        number_loss=number or "mean_squared_error",
        category_loss=category or "cross_entropy",
        label_smoothing=smoothing or 0.0,
    )
    return heads, weight == "balanced", l1


def _batch_size(decide: Decider, facts: Circumstances) -> int:
    # A power of two with some ten steps an epoch, between 32 and 256.
    natural = 2 ** round(math.log2(max(facts.num_rows / 12, 1)))
    size = int(min(256, max(32, natural)))
    reason = f"about {max(1, round(facts.num_rows / size))} steps an epoch"
    return max(1, min(decide("training.batch_size", size, reason), facts.num_rows))


def _training(
    decide: Decider, facts: Circumstances, size: Mapping[str, int], batch_size: int, seed: int
) -> TrainingPlan:
    per_epoch = max(1, math.ceil(facts.num_rows / batch_size))
    pictures = facts.inputs.get("image", 0) > 0
    passes = 15 if noisy(facts) else 25
    wanted = min(max(size["steps"], passes * per_epoch), 2 * size["steps"])
    if pictures:
        wanted = min(3 * size["steps"] // 2, _MOST_PASSES * per_epoch)
    epochs = decide(
        "training.epochs",
        float(max(1, round(wanted / per_epoch))),
        f"about {wanted:,} steps; the best check is kept",
    )
    num_steps = max(1, round(epochs * per_epoch))
    checks = decide("training.checks", *_checks(facts))
    clip = decide("training.clip_norm", 1.0, "one odd batch may not throw the weights about")
    averaging = decide("training.averaging", *_averaging(facts))
    optimizer = decide_optimizer(decide, facts)
    engine = decide_engine(decide, facts, optimizer.name)
    return TrainingPlan(
        num_steps=num_steps,
        optimizer=optimizer,
        schedule=_schedule(decide, facts),
        averaging=_averaging_plan(averaging, num_steps),
        clip_norm=clip or None,
        accumulate=_accumulate(decide, batch_size),
        check_every=max(1, num_steps // max(1, checks)),
        patience=decide("training.patience", *_patience(facts, checks)),
        precision=engine.precision,
        fused=engine.fused,
        seed=seed,
    )


def _checks(facts: Circumstances) -> tuple[int, str]:
    if facts.inputs.get("image", 0):
        return 8, "often enough to find the best moment"
    if noisy(facts):
        return 20, "the average moves slowly: more checks found the same moment"
    return 40, "often enough to find the best moment"


def _patience(facts: Circumstances, checks: int) -> tuple[int, str]:
    usual = 8 if noisy(facts) else 16
    if checks <= usual:
        return 0, "so few checks are all made, and the best is kept"
    return usual, "checks without progress before it stops"


def _accumulate(decide: Decider, batch_size: int) -> int:
    pieces = decide("training.accumulate", 1, "a batch fits into memory")
    if pieces > batch_size:
        raise RecipeError(
            "A batch cannot be cut into more pieces than it has rows.",
            where="training.accumulate",
            expected=f"at most {batch_size}, the rows of a batch",
            got=str(pieces),
            do="Take fewer pieces, or say a larger training.batch_size.",
        )
    return pieces


def _averaging(facts: Circumstances) -> tuple[str, str]:
    if noisy(facts):
        return "ema", "an average is calm at every moment, so that the best one can be kept"
    return "none", "the falling learning rate calms the weights"


def _averaging_plan(name: str, num_steps: int) -> AveragingPlan | None:
    if name == "none":
        return None
    if name == "ema":
        return AveragingPlan(name="ema", half_life=max(10.0, num_steps / 25))
    return AveragingPlan(name=name)


def _schedule(decide: Decider, facts: Circumstances) -> SchedulePlan:
    usual = ("cosine", "large steps first, fine ones last")
    if noisy(facts):
        usual = ("constant", "the average does the calming; the end need not be known")
    name = decide("training.schedule", *usual)
    options = SCHEDULES[name].options if name in SCHEDULES else {"warmup_share": 0.0}
    warmup = decide.where(
        "warmup_share" in options,
        "training.warmup_share",
        options.get("warmup_share") or 0.02,
        f"a climb as {name} needs it",
        f"'{name}' has a climb of its own",
    )
    return SchedulePlan(name=name, warmup_share=warmup)


def _evaluation(decide: Decider, facts: Circumstances) -> None:
    tasks = set(facts.tasks.values())
    own = sorted({metric_named(task).name for task in tasks})
    decide("evaluate.metric", None, f"the task's own: {', '.join(own)}")
    decide.where(
        bool(tasks & CLASSES),
        "evaluate.calibrate",
        True,
        "probabilities should mean what they say",
        "no target has classes",
    )
    decide.where(
        "binary" in tasks,
        "evaluate.threshold",
        None,
        "one half, unless one class is rare",
        "no target has two classes",
    )
    decide.where(
        tasks != {"multilabel"},
        "evaluate.coverage",
        0.9,
        "nine answers in ten inside the interval",
        "sets of labels get no interval",
    )
    decide("evaluate.baselines", True, "a score means little alone")
    decide("evaluate.importance", True, "which columns carry the answer")
    decide("report", True, "one page that tells everything")


def with_options(kind: Kind, resolved: Resolved) -> Kind:
    """A kind with the options that the plan decided for all inputs of it.

    Where no input is of that kind (only a group or a weight is), nothing was decided.
    """
    names: tuple[str, ...] = ()
    if isinstance(kind, Number):
        names = ("scaling", "clip", "impute", "log")
    elif isinstance(kind, Category):
        names = ("min_count",)
    decided = {name: resolved.value(f"prepare.{name}") for name in names}
    return replace(kind, **{name: value for name, value in decided.items() if value is not None})


def class_balance(codes: np.ndarray, num_classes: int) -> tuple[float, ...]:
    """Weights of classes inverse to their frequency, 1 on average over the rows."""
    counts = np.bincount(codes, minlength=num_classes).astype(float)
    weights = len(codes) / (num_classes * np.maximum(counts, 1))
    return tuple(float(weight) for weight in weights)
