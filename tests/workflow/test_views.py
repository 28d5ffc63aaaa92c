"""How many views of a picture an answer is made of."""

from dataclasses import replace

import pytest
import torch

from fathom.workflow.decider import Circumstances, Decider
from fathom.workflow.mirror import MirrorTrial
from fathom.workflow.pictures import views
from fathom.workflow.recipe import Recipe

SMALL = Circumstances(
    num_rows=1000,
    tasks={"kind": "multiclass"},
    inputs={"image": 1},
    device=torch.device("cpu"),
    picture_side=64,
)


@pytest.mark.parametrize(
    ("side", "views_of", "reason"),
    [
        (64, True, "the mean over pictures moved by a pixel errs less"),
        (65, False, "a pixel is little in pictures of more than 64"),
    ],
)
def test_small_pictures_are_moved_by_a_pixel(side: int, views_of: bool, reason: str) -> None:
    decide = Decider(Recipe.of({}))
    assert views(decide, replace(SMALL, picture_side=side)) == (False, views_of)
    assert decide.decisions[1].reason == reason


@pytest.mark.parametrize("keeps", [True, False])
def test_both_sides_go_with_what_mirroring_does(keeps: bool) -> None:
    trial = MirrorTrial(as_is=0.9, mirrored=0.9 if keeps else 0.4)
    assert views(Decider(Recipe.of({})), replace(SMALL, mirror=trial))[0] is keeps


def test_without_pictures_nothing_is_decided() -> None:
    decide = Decider(Recipe.of({}))
    assert views(decide, replace(SMALL, inputs={"number": 2}, picture_side=0)) == (False, False)
    assert {decision.value for decision in decide.decisions} == {None}


def test_what_was_said_wins() -> None:
    decide = Decider(Recipe.of({"network.nudged": False}))
    assert views(decide, SMALL) == (False, False)
