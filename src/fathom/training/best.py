"""The best check so far: its weights, and how many checks have passed since."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor


@dataclass
class Best:
    """What is kept in the end.

    Attributes:
        value: the smallest validation loss; infinite before the first finite one.
        step: after how many steps it was measured.
        waited: checks since then.
        weights: of the network at that step.

    Example:
        >>> best = Best()
        >>> [best.judge(loss, step, dict) for step, loss in enumerate([0.5, 0.7, math.nan, 0.4])]
        [True, False, False, True]
        >>> best.value, best.step
        (0.4, 3)
    """

    value: float = math.inf
    step: int = 0
    waited: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict[str, Tensor])

    def judge(
        self, value: float | None, step: int, weights: Callable[[], dict[str, Tensor]]
    ) -> bool:
        """Whether this check is the best; without a value the last one always is.

        Args:
            value: the validation loss, if there is one.
            step: how many steps have been taken.
            weights: gives copies of the weights; called only for the best.
        """
        if value is not None and not value < self.value:
            self.waited += 1
            return False
        self.value = self.value if value is None else value
        self.step, self.waited, self.weights = step, 0, weights()
        return True

    def state(self) -> dict[str, Any]:
        """All of it."""
        return dict(vars(self))
