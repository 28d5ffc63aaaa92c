"""Scores under resampled rows: the raw material of intervals and paired tests.

All answers and all metrics see the same resamples, so the difference of two answers' replicates is
already the paired one.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Float, Int

from fathom.base.seeds import numpy_generator
from fathom.evaluation.rows import Rows
from fathom.metrics.record import Answer, Metric

_CELLS_AT_ONCE = 1 << 18  # weights held at once: what stays in a core's cache
_CELLS_IN_ALL = 20_000_000  # rows times draws; beyond it fewer draws are made
_FEWEST_DRAWS = 250
_MOST_LEFT_OUT = 200
_MOST_THREADS = 4  # each holds a chunk of weights in its core's cache; NumPy lets go of the lock


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """How intervals are made.

    Attributes:
        draws: how many times the rows are drawn anew; fewer, never below 250, where there are
            more than 20,000 rows, whose intervals are narrow in any case.
        seed: where the draws come from.
    """

    draws: int = 1000
    seed: int = 0

    def draws_for(self, num_rows: int) -> int:
        """The number of draws for so many rows."""
        afforded = _CELLS_IN_ALL // max(num_rows, 1)
        return min(self.draws, max(_FEWEST_DRAWS, afforded))


@dataclass(frozen=True)
class Replicates:
    """One score, and what it would have been on other rows.

    Attributes:
        value: on the rows as they are.
        draws: on rows drawn with replacement.
        left_out: with one unit (or one of 200 groups of units) left out, for the skew and the
            weight of single rows.
    """

    value: float
    draws: Float[np.ndarray, " draws"]
    left_out: Float[np.ndarray, " units"]

    def __sub__(self, other: "Replicates") -> "Replicates":
        return Replicates(
            self.value - other.value, self.draws - other.draws, self.left_out - other.left_out
        )

    @property
    def finite(self) -> "Replicates":
        """Without the draws in which the score does not exist (a class was not drawn)."""
        return Replicates(
            self.value,
            self.draws[np.isfinite(self.draws)],
            self.left_out[np.isfinite(self.left_out)],
        )

    def influence(self) -> Float[np.ndarray, " units"]:
        """How much each left-out part pulls the score up."""
        used = self.left_out[np.isfinite(self.left_out)]
        return used.mean() - used if len(used) else used

    def standard_error(self) -> float:
        """The spread of the draws."""
        return float(self.draws.std(ddof=1))

    def degrees_of_freedom(self) -> float:
        """How many rows the uncertainty really rests on, less one.

        A variance estimated from n influences of kurtosis k is as sure as one from 2n / (k - 1)
        normal ones: five positive rows among fifty, or three disagreements among a hundred, are
        few however many rows stand beside them.
        """
        pulls = self.influence()
        largest = np.abs(pulls).max(initial=0.0)
        if len(pulls) < 2 or largest == 0:
            return max(len(pulls) - 1.0, 1.0)
        # Relative to the largest: a log loss near 0 has pulls whose fourth powers are no numbers.
        pulls = pulls / largest
        square = (pulls**2).sum()
        kurtosis = len(pulls) * (pulls**4).sum() / square**2
        return float(np.clip(2 * len(pulls) / max(kurtosis - 1, 1e-9), 1.0, len(pulls) - 1.0))


def drawn_counts(
    num_units: int, draws: int, at_once: int, generator: np.random.Generator
) -> Iterator[Float[np.ndarray, "draws units"]]:
    """How often each unit is drawn when as many are drawn with replacement, some draws at a time.

    Example:
        >>> chunks = list(drawn_counts(7, 5, 2, np.random.default_rng(0)))
        >>> [chunk.shape for chunk in chunks], chunks[0].sum(axis=1)
        ([(2, 7), (2, 7), (1, 7)], array([7., 7.]))
    """
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        chosen = generator.integers(0, num_units, size=(size, num_units))
        chosen += num_units * np.arange(size)[:, None]
        counts = np.bincount(chosen.ravel(), minlength=size * num_units)
        yield counts.reshape(size, num_units).astype(np.float64)


def left_out_counts(
    num_units: int, at_once: int, generator: np.random.Generator
) -> Iterator[Float[np.ndarray, "groups units"]]:
    """One unit left out at a time; beyond 400 units one of 200 groups made by lot."""
    group = np.arange(num_units)
    if num_units > 2 * _MOST_LEFT_OUT:
        group = generator.permutation(num_units) % _MOST_LEFT_OUT
    num_groups = int(group.max()) + 1
    for start in range(0, num_groups, at_once):
        here = np.arange(start, min(start + at_once, num_groups))
        yield (group != here[:, None]).astype(np.float64)


def replicate(
    rows: Rows,
    answers: Mapping[str, Answer],
    metrics: Sequence[Metric],
    plan: Resampling | None = None,
) -> dict[str, dict[str, Replicates]]:
    """Score every answer by every metric, on the rows and on the rows drawn anew.

    Args:
        rows: what is scored; its clusters are drawn whole.
        answers: by name.
        metrics: one that cannot be had from an answer is left out of the result.
        plan: how many draws, from which seed.

    Returns:
        Answer name -> metric name -> replicates, all from the same draws.
    """
    plan = plan or Resampling()
    units = rows.units()
    num_units = int(units.max()) + 1 if len(units) else 0
    wanted = [
        (name, metric, part)
        for name, answer in answers.items()
        for metric in metrics
        if (part := answer.part(metric.needs)) is not None
        and not metric.why_absent(rows.truth, answer, rows.weight)
    ]
    if not wanted:
        return {name: {} for name in answers}
    at_once = max(1, _CELLS_AT_ONCE // max(len(rows), 1))
    generator = numpy_generator(plan.seed, "bootstrap", num_units)
    chunks = drawn_counts(num_units, plan.draws_for(len(rows)), at_once, generator)
    drawn = _scores(rows, units, wanted, chunks)
    left = _scores(rows, units, wanted, left_out_counts(num_units, at_once, generator))
    found: dict[str, dict[str, Replicates]] = {name: {} for name in answers}
    for place, (name, metric, part) in enumerate(wanted):
        value = float(metric.compute(rows.truth, part, rows.weight))
        found[name][metric.name] = Replicates(value, drawn[place], left[place])
    return found


def _scores(
    rows: Rows,
    units: Int[np.ndarray, " rows"],
    wanted: list[tuple[str, Metric, np.ndarray]],
    chunks: Iterator[np.ndarray],
) -> Float[np.ndarray, "wanted sets"]:
    def score(counts: np.ndarray) -> np.ndarray:
        weight = counts if rows.cluster is None else counts[:, units]
        if rows.weight is not None:
            weight = weight * rows.weight
        scores = [metric.compute(rows.truth, part, weight) for _, metric, part in wanted]
        return np.stack([np.asarray(score) for score in scores])

    collected: list[np.ndarray] = []
    num_threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(num_threads) as pool:
        # Drawn in turn, in this thread, so that the draws are the same with any number of threads.
        while some := list(islice(chunks, 2 * num_threads)):
            collected += pool.map(score, some)
    return np.concatenate(collected, axis=1)
