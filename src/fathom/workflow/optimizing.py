"""Which optimiser moves the weights, and how far."""

from fathom.training.optimizers import OptimizerPlan
from fathom.workflow.decider import CLASSES, Circumstances, Decider, noisy
from fathom.workflow.pictures import NO_PICTURE, only_pictures

# Where it is not the 0.002 of muon, adamw and their like.
_RATES = {"sgd": 0.1, "momentum": 0.1, "nesterov": 0.1, "adagrad": 0.01}
_RATES_ON_PICTURES = {"adamw": 5e-3, "muon": 0.01}


def decide_optimizer(decide: Decider, facts: Circumstances) -> OptimizerPlan:
    """The plan of the optimiser; what was said has its word."""
    name = _optimizer(decide, facts)
    hold_norm = decide.where(
        name == "muon" and facts.inputs.get("image", 0) > 0,
        "training.hold_norm",
        False,
        "decay keeps filters from growing",
        NO_PICTURE if name == "muon" else f"the optimiser is '{name}'",
    )
    return OptimizerPlan(
        name=name,
        learning_rate=decide("training.learning_rate", *_rate(facts, name)),
        weight_decay=decide("training.weight_decay", *_weight_decay(facts, name)),
        momentum=decide("training.momentum", None, "the optimiser's own"),
        hold_norm=hold_norm or None,  # as in checkpoints of before there was a choice
    )


def _rate(facts: Circumstances, name: str) -> tuple[float, str]:
    if _foreign(facts) and name == "adamw":
        return 1e-3, "for new layers; those of the network it starts from take a tenth of it"
    if only_pictures(facts) and name in _RATES_ON_PICTURES:
        return _RATES_ON_PICTURES[name], f"the usual one for {name} on pictures"
    usual = _RATES.get(name, 2e-3) / (2 if noisy(facts) else 1)
    return usual, f"the usual one for {name} on tables"


def _foreign(facts: Circumstances) -> bool:
    return facts.body is not None and facts.body.foreign


def _optimizer(decide: Decider, facts: Circumstances) -> str:
    if _foreign(facts):
        why = "gentle to a network that learned elsewhere, most likely with adamw too"
        return decide("training.optimizer", "adamw", why)
    if not facts.inputs.get("image", 0):
        return decide("training.optimizer", "muon", "fewer steps to the same quality")
    if only_pictures(facts):
        return decide("training.optimizer", "muon", "fewer steps to the same quality")
    return decide("training.optimizer", "adamw", "sound for networks of every kind")


def _weight_decay(facts: Circumstances, optimizer: str) -> tuple[float, str]:
    if only_pictures(facts) and optimizer == "muon":
        return 1.0, "behind norms only the ratio of step and weight counts: decay keeps it"
    if facts.inputs.get("image", 0):
        return 0.05, "the usual pull towards zero for networks for pictures"
    if next(iter(facts.tasks.values())) in CLASSES:
        if not noisy(facts) and not set(facts.inputs) - {"category", "flag"}:
            return 0.1, "a moderate pull towards zero: words alone often follow a rule"
        return 1.0, "a strong pull towards zero: classes are learned by heart easily"
    return 3e-4, "a light pull towards zero"
