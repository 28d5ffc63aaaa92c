"""What decisions depend on, and who takes them: what was said wins, all else needs a reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from fathom.base.records import Decision
from fathom.metrics.record import Task
from fathom.models.body import Body
from fathom.workflow.mirror import MirrorTrial
from fathom.workflow.recipe import Recipe, useless

CLASSES = frozenset({"binary", "multiclass"})
MANY_ROWS = 5000


@dataclass(frozen=True)
class Circumstances:
    """What decisions depend on; all of it from training rows and the machine.

    Attributes:
        num_rows: training rows of one part.
        tasks: target column -> "regression", "binary", "multiclass" or "multilabel".
        inputs: kind -> how many inputs are of it.
        device: where it will train.
        mirror: what mirroring the pictures of the first column of them does; None = not tried.
        picture_side: the longest side of the pixels that a network reads; 0 = no pictures.
        body: the trained network that was named to start from.
    """

    num_rows: int
    tasks: Mapping[str, Task]
    inputs: Mapping[str, int]
    device: torch.device
    mirror: MirrorTrial | None = None
    picture_side: int = 0
    body: Body | None = None


def noisy(facts: Circumstances) -> bool:
    """Many rows with a yes or no: such targets are seldom certain, and trainings overfit them."""
    return facts.num_rows >= MANY_ROWS and next(iter(facts.tasks.values())) == "binary"


class Decider:
    """Collects decisions: what was said wins, everything else needs a reason."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.decisions: list[Decision] = []

    def __call__(self, key: str, value: Any, reason: str) -> Any:
        said = self.recipe.get(key)
        if said is not None:
            value, reason = said, "you said so"
        self.decisions.append(Decision(key=key, value=value, reason=reason, said=said is not None))
        return value

    def where(self, fits: bool, key: str, value: Any, reason: str, otherwise: str) -> Any:
        """The same for a setting that has an effect only where it `fits`; else None.

        Raises:
            RecipeError: it was said although it would have no effect.
        """
        if fits:
            return self(key, value, reason)
        if self.recipe.get(key) is not None:
            raise useless(key, self.recipe, otherwise)
        self.decisions.append(Decision(key=key, value=None, reason=otherwise))
        return None
