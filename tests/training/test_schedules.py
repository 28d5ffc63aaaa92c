"""Schedules: end points, continuity, closed forms, and PyTorch's own one-cycle schedule."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.base.errors import RecipeError
from fathom.training.schedules import SCHEDULES, SchedulePlan, factor

NUM = 1009
WARMED = ["constant", "linear", "cosine", "step", "exponential", "warmup_stable_decay"]


def _curve(plan: SchedulePlan, num_steps: int = NUM) -> list[float]:
    return [factor(step, num_steps, plan) for step in range(num_steps + 1)]


@pytest.mark.parametrize(
    ("plan", "begin", "end"),
    [
        (SchedulePlan(name="constant"), 1, 1),
        (SchedulePlan(name="linear"), 1, 0),
        (SchedulePlan(name="linear", final_share=0.2), 1, 0.2),
        (SchedulePlan(name="cosine"), 1, 0),
        (SchedulePlan(name="cosine", final_share=0.2, num_cycles=3), 1, 0.2),
        (SchedulePlan(name="one_cycle"), 0.04, 0),
        (SchedulePlan(name="one_cycle", start_share=0.5, final_share=0.1), 0.5, 0.1),
        (SchedulePlan(name="step"), 1, 0.01),
        (SchedulePlan(name="step", num_drops=3, drop_factor=0.5), 1, 0.125),
        (SchedulePlan(name="exponential"), 1, 0.01),
        (SchedulePlan(name="inverse_sqrt"), 1 / 101, math.sqrt(0.1)),
        (SchedulePlan(name="coslog4"), 0, 0),
        (SchedulePlan(name="warmup_stable_decay", warmup_share=0.0), 1, 0),
        (SchedulePlan(name="warmup_stable_decay", warmup_share=0.0, final_share=0.3), 1, 0.3),
    ],
)
def test_end_points(plan, begin, end):
    curve = _curve(plan)
    assert curve[0] == pytest.approx(begin, abs=1e-9)
    assert curve[-1] == pytest.approx(end, abs=1e-9)
    assert factor(NUM + 500, NUM, plan) == curve[-1]


@pytest.mark.parametrize("name", SCHEDULES)
def test_values_are_shares_and_the_curve_does_not_jump(name):
    curve = _curve(SchedulePlan(name=name))
    assert all(0 <= value <= 1 for value in curve)
    assert max(curve) == pytest.approx(1, abs=1e-3)
    jumps = [abs(after - before) for before, after in itertools.pairwise(curve)]
    if name == "step":
        assert sum(jump > 0 for jump in jumps) == 2
    else:
        # coslog4's first swing takes a fifteenth of the training: the steepest of all.
        assert max(jumps) < 65 / NUM


@pytest.mark.parametrize("name", WARMED)
def test_the_warm_up_climbs_straight_to_one_and_the_rest_follows(name):
    plan = SchedulePlan(name=name, warmup_share=0.1)
    curve = _curve(plan, 1000)
    assert curve[:100] == pytest.approx([(step + 1) / 100 for step in range(100)])
    assert curve[100] == 1.0
    if name == "linear":
        assert curve[550] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["linear", "cosine", "exponential", "step", "inverse_sqrt"])
def test_after_the_warm_up_it_never_climbs(name):
    curve = _curve(SchedulePlan(name=name, warmup_share=0.1))[110:]
    assert all(after <= before for before, after in itertools.pairwise(curve))


def test_closed_forms_half_way():
    def half(**options):
        return factor(500, 1000, SchedulePlan(**options))

    assert half(name="linear", final_share=0.2) == pytest.approx(0.6)
    assert half(name="cosine", final_share=0.2) == pytest.approx(0.6)
    assert half(name="exponential", final_share=0.01) == pytest.approx(0.1)
    assert half(name="step") == pytest.approx(0.1)
    assert half(name="inverse_sqrt", warmup_share=0.1) == pytest.approx(math.sqrt(0.1 / 0.5))
    assert half(name="coslog4") == pytest.approx(
        0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 / 2)))
    )
    assert half(name="warmup_stable_decay") == 1.0


def test_cosine_equals_pytorchs():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 97, eta_min=0.1)
    plan = SchedulePlan(name="cosine", final_share=0.1)
    for step in range(97):
        assert factor(step, 97, plan) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


def test_one_cycle_is_pytorchs_up_to_where_steps_are_counted_from():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.9)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=NUM, pct_start=0.3, div_factor=25, final_div_factor=10
    )
    plan = SchedulePlan(name="one_cycle", start_share=1 / 25, final_share=1 / 250)
    for step in range(NUM - 1):
        assert factor(step, NUM, plan) == pytest.approx(theirs.get_last_lr()[0], abs=0.01)
        optimizer.step()
        theirs.step()


def test_step_drops_at_even_distances():
    curve = _curve(SchedulePlan(name="step", num_drops=9, drop_factor=0.5), 100)
    drops = [step for step in range(1, 100) if curve[step] < curve[step - 1]]
    assert drops == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    # 0.29 · 100 is a hair below 29 in floating point; the drop must come all the same.
    curve = _curve(SchedulePlan(name="step", num_drops=99, drop_factor=0.9), 100)
    assert curve[:100] == pytest.approx([0.9**step for step in range(100)])


def test_cosine_starts_anew_in_each_cycle():
    curve = _curve(SchedulePlan(name="cosine", num_cycles=3), 300)
    assert curve[0] == curve[100] == curve[200] == 1.0
    assert curve[99] < 0.001
    assert curve[300] == pytest.approx(0)
    assert curve[:100] == pytest.approx(curve[100:200])


def test_coslog_touches_zero_between_its_four_swings():
    plan = SchedulePlan(name="coslog4")
    # log2(1 + 15 t) is whole at t = 1/15, 3/15, 7/15.
    for fifteenth in (0, 1, 3, 7, 15):
        assert factor(fifteenth * 100, 1500, plan) == pytest.approx(0, abs=1e-9)
    curve = _curve(plan, 1500)
    tops = [
        step
        for step in range(1, 1500)
        if curve[step - 1] < curve[step] >= curve[step + 1] and curve[step] > 0.99
    ]
    assert len(tops) == 4


def test_stable_decay_stays_and_falls_at_the_end():
    plan = SchedulePlan(name="warmup_stable_decay", warmup_share=0.1, decay_share=0.25)
    curve = _curve(plan, 1000)
    assert set(curve[99:751]) == {1.0}
    assert curve[875] == pytest.approx(0.5)
    # Without a stable part it is a triangle.
    steep = SchedulePlan(name="warmup_stable_decay", warmup_share=0.4, decay_share=0.6)
    assert factor(700, 1000, steep) == pytest.approx(0.5)


@settings(max_examples=50, deadline=None)
@given(
    name=st.sampled_from(sorted(SCHEDULES)),
    num_steps=st.integers(1, 300),
    data=st.data(),
)
def test_any_length_gives_shares(name, num_steps, data):
    step = data.draw(st.integers(0, num_steps))
    assert 0 <= factor(step, num_steps, SchedulePlan(name=name)) <= 1


def test_messages():
    with pytest.raises(RecipeError, match="Did you mean 'cosine'") as caught:
        SchedulePlan(name="cosin")
    assert caught.value.what == "There is no schedule 'cosin'."
    with pytest.raises(RecipeError) as caught:
        SchedulePlan(name="linear", num_drops=3)
    assert caught.value.what == "The schedule 'linear' does not use the option 'num_drops'."
    assert caught.value.expected == "'num_drops' with 'step' only"
    with pytest.raises(RecipeError, match="'coslog4' does not use the option 'warmup_share'"):
        SchedulePlan(name="coslog4", warmup_share=0.0)
    wrong = [
        ({"name": "linear", "warmup_share": 1.0}, "warmup_share"),
        ({"name": "linear", "final_share": -0.1}, "final_share"),
        ({"name": "cosine", "num_cycles": 0}, "num_cycles"),
        ({"name": "cosine", "num_cycles": 1.5}, "num_cycles"),
        ({"name": "inverse_sqrt", "warmup_share": 0.0}, "warmup_share"),
        ({"name": "one_cycle", "warmup_share": 0.0}, "warmup_share"),
        ({"name": "exponential", "final_share": 0.0}, "final_share"),
        ({"name": "warmup_stable_decay", "decay_share": 0.0}, "decay_share"),
        ({"name": "warmup_stable_decay", "decay_share": 0.97}, "decay_share"),
    ]
    for options, named in wrong:
        with pytest.raises(RecipeError, match=f"'{named}' of the schedule is out of its range"):
            SchedulePlan(**options)
    with pytest.raises(RecipeError, match="at least one step"):
        factor(0, 0, SchedulePlan())
    with pytest.raises(RecipeError, match="steps count from 0"):
        factor(-1, 5, SchedulePlan())
