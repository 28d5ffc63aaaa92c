"""What a course on deep learning teaches is here, each brick reachable by its one word."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

import fathom.layers.activation
import fathom.layers.initialise
import fathom.layers.norm
import fathom.losses.course
import fathom.training.averaging
import fathom.training.clipping
import fathom.training.optimizers
import fathom.training.schedules
from fathom.base.errors import RecipeError
from fathom.layers.activation import ACTIVATIONS, activation
from fathom.layers.initialise import INITIALISATIONS, initialise
from fathom.layers.norm import NORMALISATIONS, norm
from fathom.losses.course import LOSSES, named_loss
from fathom.training.averaging import AVERAGES, AveragingPlan
from fathom.training.clipping import CLIPPINGS, ClippingPlan
from fathom.training.optimizers import OPTIMIZERS, OptimizerPlan, build_optimizer
from fathom.training.schedules import SCHEDULES, SchedulePlan, factor


@dataclass(frozen=True)
class Family:
    """One family of bricks: how a word becomes a working thing.

    Attributes:
        taught: what must be there.
        table: what is there.
        reach: a word to a thing that has done its work once.
        misspelt: a wrong word and the nearest right one.
        page: the docstring where a newcomer looks.
    """

    taught: str
    table: Iterable[str]
    reach: Callable[[str], Any]
    misspelt: tuple[str, str]
    page: str | None


def _initialised(name: str) -> torch.Tensor:
    layer = nn.Linear(5, 7)
    initialise(layer, name, torch.Generator().manual_seed(0), "relu")
    return layer.weight


def _stepped(name: str) -> torch.Tensor:
    layer = nn.Linear(5, 7)
    optimizer = build_optimizer(dict(layer.named_parameters()), OptimizerPlan(name=name))
    before = layer.weight.detach().clone()
    layer(torch.ones(3, 5)).square().sum().backward()
    optimizer.step()
    assert not torch.equal(layer.weight, before)
    return layer.weight


FAMILIES = {
    "activations": Family(
        "sigmoid tanh relu leaky_relu gelu silu swish softmax elu softplus identity",
        ACTIVATIONS,
        lambda name: activation(name)(torch.randn(3, 5)),
        ("sigmoidd", "sigmoid"),
        fathom.layers.activation.__doc__,
    ),
    "losses": Family(
        "mean_squared_error mean_absolute_error huber quantile binary_cross_entropy cross_entropy "
        "focal binary_focal",
        LOSSES,
        lambda name: named_loss(name).function,
        ("mean_square_error", "mean_squared_error"),
        fathom.losses.course.__doc__,
    ),
    "initialisations": Family(
        "default xavier_uniform xavier_normal kaiming_uniform kaiming_normal lecun_normal "
        "orthogonal truncated_normal zeros constant",
        INITIALISATIONS,
        _initialised,
        ("xavier_unifrom", "xavier_uniform"),
        fathom.layers.initialise.__doc__,
    ),
    "optimisers": Family(
        "sgd momentum nesterov rmsprop adam adamw muon adagrad",
        OPTIMIZERS,
        _stepped,
        ("rms_prop", "rmsprop"),
        fathom.training.optimizers.__doc__,
    ),
    "schedules": Family(
        "constant linear cosine one_cycle step exponential inverse_sqrt coslog4 "
        "warmup_stable_decay",
        SCHEDULES,
        lambda name: factor(3, 7, SchedulePlan(name=name)),
        ("onecycle", "one_cycle"),
        fathom.training.schedules.__doc__,
    ),
    "normalisations": Family(
        "batch layer rms group none",
        NORMALISATIONS,
        lambda name: norm(name, 8)(torch.randn(3, 8)),
        ("grup", "group"),
        fathom.layers.norm.__doc__,
    ),
    "averages": Family(
        "none ema tail",
        AVERAGES,
        lambda name: AveragingPlan(name=name).weight(1, 7),
        ("tali", "tail"),
        fathom.training.averaging.__doc__,
    ),
    "clippings": Family(
        "none norm value",
        CLIPPINGS,
        lambda name: ClippingPlan(name=name).limit(),
        ("nom", "norm"),
        fathom.training.clipping.__doc__,
    ),
}
WORDS = [(family, word) for family, held in FAMILIES.items() for word in held.taught.split()]


@pytest.mark.parametrize(("family", "word"), WORDS)
def test_each_word_reaches_its_brick(family, word):
    assert word in FAMILIES[family].table
    assert FAMILIES[family].reach(word) is not None


@pytest.mark.parametrize("family", FAMILIES)
def test_the_course_leaves_nothing_out(family):
    assert set(FAMILIES[family].table) == set(FAMILIES[family].taught.split())


@pytest.mark.parametrize(("family", "word"), WORDS)
def test_each_word_stands_in_the_table_that_a_newcomer_reads(family, word):
    rows = [line for line in (FAMILIES[family].page or "").splitlines() if line.startswith("| ")]
    first_cells = ", ".join(row.split("|")[1] for row in rows)
    assert word in [cell.strip() for cell in first_cells.split(",")]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_word_names_the_nearest(family):
    wrong, right = FAMILIES[family].misspelt
    with pytest.raises(RecipeError) as caught:
        FAMILIES[family].reach(wrong)
    assert caught.value.do == f"Did you mean '{right}'?"
    assert caught.value.got == f"'{wrong}'"
    assert f"'{right}'" in caught.value.expected


@pytest.mark.parametrize(
    "table", [ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, NORMALISATIONS, CLIPPINGS]
)
def test_each_word_has_one_sentence_for_a_newcomer(table):
    for named in table.values():
        assert named.sentence.endswith(".")
        assert 20 < len(named.sentence) < 120
