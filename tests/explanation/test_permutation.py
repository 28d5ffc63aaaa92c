"""Permutation importance against what is known of a formula."""

from collections.abc import Sequence

import numpy as np
import pytest

from fathom.explanation.permutation import (
    Shuffling,
    most_important_blocks,
    permutation_importance,
)

NAMES = [f"x{place}" for place in range(101)]
USED = {"x7": 3.0, "x52": 2.0, "x53": 1.0}


class Formula:
    """y = 3·x7 + 2·x52 + x53 + noise, answered by the formula itself."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        self.x = draw.normal(size=(211, len(NAMES)))
        weights = np.array([USED.get(name, 0.0) for name in NAMES])
        self.truth = self.x @ weights + 0.1 * draw.normal(size=211)
        self.weights, self.asked = weights, 0

    def loss(self, columns: Sequence[str], order: np.ndarray) -> np.ndarray:
        self.asked += 1
        x = self.x.copy()
        places = [NAMES.index(name) for name in columns]
        x[:, places] = self.x[order][:, places]
        return (self.truth - x @ self.weights) ** 2


@pytest.fixture
def formula() -> Formula:
    return Formula()


def test_what_shuffling_costs_is_twice_the_variance_that_a_column_gives(formula: Formula) -> None:
    base = formula.loss([], np.arange(211))
    found = permutation_importance(NAMES, base, formula.loss, Shuffling(repeats=9))
    assert [item.column for item in found[:3]] == ["x7", "x52", "x53"]
    for item in found[:3]:
        assert item.rise == pytest.approx(2 * USED[item.column] ** 2, rel=0.25)
        assert item.low < item.rise < item.high
    for item in found[3:]:
        assert item.rise == pytest.approx(0, abs=1e-12)


def test_blocks_find_the_columns_that_matter_in_a_fraction_of_the_answers(
    formula: Formula,
) -> None:
    base = formula.loss([], np.arange(211))
    formula.asked = 0
    kept, rest = most_important_blocks(NAMES, base, formula.loss, size=10, most=2)
    assert kept == [*NAMES[:10], *NAMES[50:60]]
    assert rest == pytest.approx(0, abs=1e-12)
    assert formula.asked == 11
    kept, rest = most_important_blocks(NAMES, base, formula.loss, size=10, most=1)
    assert kept == NAMES[:10]
    assert rest == pytest.approx(2 * (2.0**2 + 1), rel=0.4)
    every, rest = most_important_blocks(NAMES, base, formula.loss, size=10, most=99)
    assert (every, rest) == (NAMES, 0.0)
