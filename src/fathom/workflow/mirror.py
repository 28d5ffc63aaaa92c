"""Whether a mirrored picture still shows the same: tried on the training pictures themselves."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fathom.columns.kind import Values
from fathom.columns.likeness import Likenesses
from fathom.inspection.wording import percent

_MOST, _ASKED, FEWEST = 4000, 1000, 100
# Mirrored pictures may find their class a little less often, by chance or habit.
_KEPT = 0.9


@dataclass(frozen=True)
class MirrorTrial:
    """How often the most alike of the other pictures is of the same class.

    Attributes:
        as_is: for pictures as they are, 0 to 1.
        mirrored: for mirrored ones.
    """

    as_is: float
    mirrored: float

    @property
    def keeps_class(self) -> bool:
        """Whether mirroring leaves the class as it is."""
        return self.mirrored >= _KEPT * self.as_is

    @property
    def reason(self) -> str:
        """The figures, in a few words."""
        so = "" if self.keeps_class else " only"
        return (
            f"the most alike picture is of the same class for {percent(self.as_is)}, and{so} for "
            f"{percent(self.mirrored)} once mirrored"
        )


def mirror_trial(values: Values, codes: Int[np.ndarray, " rows"], seed: int) -> MirrorTrial | None:
    """Try it on some pictures with known classes; None where there are too few.

    Args:
        values: cells of the pictures.
        codes: class of each, -1 = unknown.
        seed: which of them are taken.
    """
    known = np.flatnonzero(values.present & (codes >= 0))
    if len(known) < FEWEST:
        return None
    taken = np.random.default_rng(seed).permutation(known)[:_MOST]
    small = Likenesses.of(values.data[taken].tolist()).small.astype(np.float32)
    asked = min(_ASKED, len(taken) // 2)
    codes = codes[taken]
    shares = [
        float((codes[_nearest(small[:asked, :, turn], small)] == codes[:asked]).mean())
        for turn in (slice(None), slice(None, None, -1))
    ]
    return MirrorTrial(*shares)


def _nearest(
    asked: Float[np.ndarray, "asked side side"], all_of_them: Float[np.ndarray, "known side side"]
) -> Int[np.ndarray, " asked"]:
    """For each the most alike picture other than itself; those asked are the first of all."""
    one, two = asked.reshape(len(asked), -1), all_of_them.reshape(len(all_of_them), -1)
    distance = (two**2).sum(1)[None] - 2 * one @ two.T
    distance[np.arange(len(one)), np.arange(len(one))] = np.inf
    return distance.argmin(1)
