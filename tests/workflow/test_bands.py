"""Intervals and sets of a run: rows with weights, rows in groups, runs of older make."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fathom.heads.head import Answer
from fathom.workflow.bands import Band, Held, fit_band, interval, sets
from fathom.workflow.run import Run

Make = Callable[..., pl.DataFrame]
Train = Callable[..., Run]


def held(num: int, *, folds: bool = False, heavy: bool = False, groups: int = 0) -> Held:
    draw = np.random.default_rng(num)
    wide = draw.random(num) < 0.5
    truth = draw.normal(size=num) * np.where(wide, 9.0, 1.0)
    return Held(
        truth,
        Answer(value=np.zeros(num)),
        np.arange(num) % 3,
        folds,
        np.where(wide, 9.0, 1.0) if heavy else None,
        np.arange(num) % groups if groups else None,
    )


@pytest.mark.parametrize("folds", [False, True])
def test_weights_widen_the_band_where_heavy_rows_are_uncertain(*, folds: bool) -> None:
    bands = [fit_band(held(151, folds=folds, heavy=heavy), 0.9) for heavy in (False, True)]
    answers = [Answer(value=np.zeros(2)) for _ in range(3)]
    widths = []
    for band in bands:
        again = Band.from_dict(band.to_dict())
        assert again == band
        bounds = interval(again, answers, answers[0])
        assert bounds is not None
        widths.append(bounds[0, 1] - bounds[0, 0])
    assert widths[1] > 1.1 * widths[0]
    assert "by their weights" in bands[1].reason
    assert "weights" not in bands[0].reason


def test_groups_are_counted_not_rows() -> None:
    assert fit_band(held(151, groups=5), 0.9).method == "none"
    assert "Too few calibration groups" in fit_band(held(151, groups=5), 0.9).reason
    found = fit_band(held(150, groups=30), 0.9)
    assert found.reason == "150 rows worth 30 groups of one size that chose nothing else"


def test_sets_by_weight() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 3, 151)
    heavy = draw.random(151) < 0.3
    chance = np.full((151, 3), 0.1)
    chance[np.arange(151), np.where(heavy, (truth + 1) % 3, truth)] = 0.8
    asked = Answer(probability=np.array([[0.8, 0.1, 0.1]]))
    sizes = []
    for weight in (None, np.where(heavy, 0.01, 1.0)):
        band = fit_band(Held(truth, Answer(probability=chance), weight=weight), 0.9)
        inside = sets(band, [asked], asked)
        assert inside is not None
        sizes.append(int(inside.sum()))
    assert sizes == [3, 1]


def test_bands_of_older_runs_open() -> None:
    old = {"method": "cross", "coverage": 0.9, "reason": "r", "figure": 0.0}
    band = Band.from_dict({**old, "strangeness": [1.0] * 9, "part": [0] * 9})
    assert band.counting is None
    assert interval(band, [Answer(value=np.zeros(1))], Answer(value=np.zeros(1))) is not None


def test_a_run_with_weights_and_groups_says_how_they_count(
    make_houses: Make, small_train: Train
) -> None:
    rows = make_houses(401).drop("dear")
    weighted = small_train(rows, settings={"weight": "worth", "split.folds": 3})
    grouped = small_train(rows, settings={"group": "town", "split.folds": 3})
    assert "rows, counted by their weights, worth" in weighted.bands["price"].reason
    assert "groups of one size, each held out" in grouped.bands["price"].reason
    for run in (weighted, grouped):
        assert run.score["coverage"]["value"] > 0.7


@pytest.mark.parametrize("folds", [False, True])
def test_no_interval_begins_below_0_where_no_number_did(*, folds: bool) -> None:
    found = held(151, folds=folds)
    prices = Held(np.abs(found.truth), found.answer, found.part, folds)
    answers = [Answer(value=np.zeros(2)) for _ in range(3)]
    ends = [interval(fit_band(one, 0.9), answers, answers[0]) for one in (found, prices)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert (ends[0][:, 0] < 0).all()
    assert ends[1][:, 0].tolist() == [0.0, 0.0]
    assert (ends[1][:, 1] > 0).all()
