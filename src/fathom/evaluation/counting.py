"""How much each calibration row counts, and how many rows or clusters all of them are worth."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from fathom.metrics.weights import check_rows


@dataclass(frozen=True, eq=False)
class Counting:
    """Shares of calibration rows, and the number of like units that they are worth.

    A promise of coverage counts one unknown row beside the n known ones, which is as likely to
    stand at any place among them. Where rows have weights the promise is about the weighted share
    of rows, and where they come in clusters the unknown row comes with a cluster of its own: what
    takes a place among the known ones then is a unit that weighs as much as they do, of which
    there are

        units = (Σ u)² / Σ u²        with u the summed weights of each cluster (or row)

    For rows that count alike this is their number.

    Attributes:
        share: of each row; they sum to 1.
        units: how many, see above; a whole number only where all count alike.
        name: what the units are: "rows" or "groups".

    Source: the effective sample size of Kish, Survey sampling, 1965. Weighted quantiles:
        Tibshirani et al., Conformal prediction under covariate shift, 2019.
    """

    share: Float[np.ndarray, " rows"]
    units: float
    name: str = "rows"

    @classmethod
    def of(
        cls,
        num_rows: int,
        weight: Float[np.ndarray, " rows"] | None = None,
        cluster: Shaped[np.ndarray, " rows"] | None = None,
    ) -> "Counting":
        """From weights and clusters; without them all rows count alike.

        Example:
            >>> Counting.of(4).units, Counting.of(4, weight=np.array([1.0, 1.0, 2.0, 0.0])).units
            (4.0, 2.6666666666666665)
            >>> Counting.of(6, cluster=np.array([7, 7, 7, 9, 9, 9])).units
            2.0
        """
        weights = np.ones(num_rows) if weight is None else weight.astype(np.float64)
        check_rows(weights, weights, weights)
        total = float(weights.sum())
        if total == 0:
            return cls(weights, 0.0, "rows")
        each = weights
        if cluster is not None:
            check_rows(weights, cluster)
            each = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=weights)
        units = total**2 / float((each**2).sum())
        return cls(weights / total, units, "rows" if cluster is None else "groups")

    @property
    def alike(self) -> bool:
        """Whether every row counts as one."""
        return abs(self.units - len(self.share)) < 1e-6

    def __str__(self) -> str:
        return f"{self.units:.0f}" if self.units == round(self.units) else f"{self.units:.1f}"


def weighted_places(
    scores: Float[np.ndarray, "rows *new"], counting: Counting, miss: float
) -> Float[np.ndarray, " *new"]:
    """The smallest score that, with all below it, has a share of (1 − miss)·(1 + 1 / units).

    Args:
        scores: of the calibration rows, for each new row where they differ.
        counting: what each calibration row counts.
        miss: the chance of missing the truth.

    Example:
        >>> float(weighted_places(np.arange(1.0, 20.0), Counting.of(19), 0.1))
        18.0
    """
    order = np.argsort(scores, axis=0, kind="stable")
    reached = np.cumsum(counting.share[order], axis=0)
    needed = (1 - miss) * (1 + 1 / counting.units) - 1e-9
    place = np.minimum((reached < needed).sum(axis=0), len(scores) - 1)
    ordered = np.take_along_axis(scores, order, axis=0)
    return np.take_along_axis(ordered, place[None], axis=0)[0]
