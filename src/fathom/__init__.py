"""From your own data to a deep-learning model that you can trust, and the reasons why you can.

import fathom

fathom.look("houses.csv", target="price")
run = fathom.train("houses.csv", target="price")
run.score
fathom.predict(run, "new_houses.csv").write("prices.csv")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fathom.base.errors import FathomError
    from fathom.tables.read import read
    from fathom.workflow.api import learning_rate_range, look, plan, resume, train
    from fathom.workflow.evaluate import evaluate
    from fathom.workflow.predict import predict
    from fathom.workflow.replay import replay
    from fathom.workflow.run import Run, load

__all__ = [
    "FathomError",
    "Run",
    "evaluate",
    "learning_rate_range",
    "load",
    "look",
    "plan",
    "predict",
    "read",
    "replay",
    "resume",
    "train",
]

_HOMES = {
    "FathomError": "fathom.base.errors",
    "read": "fathom.tables.read",
    "look": "fathom.workflow.api",
    "plan": "fathom.workflow.api",
    "train": "fathom.workflow.api",
    "resume": "fathom.workflow.api",
    "learning_rate_range": "fathom.workflow.api",
    "evaluate": "fathom.workflow.evaluate",
    "predict": "fathom.workflow.predict",
    "replay": "fathom.workflow.replay",
    "Run": "fathom.workflow.run",
    "load": "fathom.workflow.run",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562), so that importing fathom is instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'fathom' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
