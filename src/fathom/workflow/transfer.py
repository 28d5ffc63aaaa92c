"""Starting from a network that has learned before: what is taken over, and how it goes on."""

from dataclasses import dataclass, replace
from typing import Literal

from fathom.evaluation.baselines import Baseline
from fathom.evaluation.compare import compare
from fathom.evaluation.rows import Rows
from fathom.metrics.record import Answer, Metric
from fathom.models.body import Body, layers_of, still
from fathom.models.network import Network
from fathom.models.preparation import Preparation
from fathom.nets.foreign import ForeignShape
from fathom.training.plan import LayerPlan
from fathom.workflow.decider import Circumstances, Decider
from fathom.workflow.recipe import Recipe

Learn = Literal["all", "gradual", "head"]
FROM_SCRATCH = "from_scratch"
# Where a run keeps what it started from, so that it can be resumed whatever becomes of the other.
BODY = "body"
_NO_BODY = "no trained network was named to start from"
# Such networks learned on millions of pictures: next to new layers theirs move little.
_FOREIGN_PACE = 0.1
_MANY_LAYERS = 8
# Of all steps: when the last layer that sees the picture first has begun to move.
_ALL_AWAKE = 0.5


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What a training begins with and how that moves.

    Attributes:
        body: the network that has learned before.
        learn: "all" of it goes on learning, layer after layer from the answer backwards
            ("gradual"), or the "head" alone.
        layer_rate: each layer's rate is that of the next one towards the answer times this.
        compare: whether the same is trained from scratch too.
        fresh: whether the network begins with random weights: what the other is compared with.
    """

    body: Body
    learn: Learn = "all"
    layer_rate: float = 1.0
    compare: bool = True
    fresh: bool = False

    def adopt(self, preparation: Preparation) -> Preparation:
        """Pictures as the body learned to read them."""
        return self.body.adopt(preparation)

    def begin(self, network: Network) -> None:
        """The weights, and what of them stands still."""
        if self.fresh:
            return
        self.body.put_into(network)
        if self.learn == "head":
            still(network)

    def layers(self, network: Network) -> tuple[LayerPlan, ...]:
        """How each layer moves."""
        if self.fresh or self.learn == "head":
            return ()
        pace = _FOREIGN_PACE if self.body.foreign else 1.0
        found: list[LayerPlan] = []
        for names in layers_of(network).values():
            for place, name in enumerate(reversed(names), start=1):
                begins = _ALL_AWAKE * place / len(names) if self.learn == "gradual" else 0.0
                factor = pace * self.layer_rate**place
                found.append(LayerPlan(prefix=name, factor=factor, begins=begins))
        return tuple(found)


def decide_transfer(decide: Decider, facts: Circumstances) -> Transfer | None:
    """What is decided where a network was named to start from."""
    body = facts.body
    named = body is not None
    learn = decide.where(
        named, "transfer.learn", "all", "the new pictures may differ from the old ones", _NO_BODY
    )
    rate = decide.where(
        named and learn != "head",
        "transfer.layer_rate",
        *_layer_rate(body),
        _NO_BODY if not named else "the layers stand still",
    )
    usual = (True, "only a comparison shows whether it helps")
    if body is not None and body.foreign:
        usual = (False, "from scratch such a network would need far more pictures and time")
    if decide.recipe.get("time") is not None:
        usual = (False, "the time that was given is for one training")
    compare = decide.where(named, "transfer.compare", *usual, _NO_BODY)
    if body is None:
        return None
    return Transfer(body=body, learn=learn, layer_rate=rate or 1.0, compare=bool(compare))


def _layer_rate(body: Body | None) -> tuple[float, str]:
    why = "what sees first is most general, and changes least"
    shape = None if body is None else body.shape
    if isinstance(shape, ForeignShape) and shape.num_layers >= _MANY_LAYERS:
        return 0.9, f"{why}; there are many layers"
    return 0.7, why


def without_transfer(recipe: Recipe) -> Recipe:
    """The same recipe from scratch."""
    said = {key: value for key, value in recipe.said.items() if not key.startswith("transfer.")}
    return Recipe(said, recipe.kinds)


def sentence(origin: str, rows: Rows, ours: Answer, scratch: Baseline, metric: Metric) -> str:
    """Whether starting from a trained network helped, in a sentence.

    Args:
        origin: where it was trained.
        rows: the rows that are scored.
        ours: what the model says of them.
        scratch: the same from scratch, answering the same rows.
        metric: that decides.
    """
    assert scratch.test is not None, "it was trained just now"
    told = replace(compare(rows, ours, scratch.test, metric), against="the same from scratch")
    said = {
        True: f"Starting from {origin} helped",
        False: f"Starting from {origin} did harm, and is better left out",
        None: f"It is not shown that starting from {origin} helps",
    }[told.better]
    return f"{said}: {told.wording}"
