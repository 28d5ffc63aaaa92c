"""What is decided for pictures alone."""

from collections.abc import Mapping

from fathom.tables.augment import Augmentation
from fathom.workflow.decider import Circumstances, Decider

NO_PICTURE = "no input is a picture"
_FEW, _MANY = 1000, 5000
_PARTS = {2: "half", 4: "quarter"}


def only_pictures(facts: Circumstances) -> bool:
    """Whether the network sees nothing else."""
    return facts.inputs.get("image", 0) > 0 and set(facts.inputs) == {"image"}


def decide_channels(
    decide: Decider, facts: Circumstances, size: Mapping[str, int], name: str | None
) -> int:
    """Channels of the first stage: few pictures are learned by heart by a wide network."""
    few = 4 if facts.num_rows < _FEW else 2 if facts.num_rows < _MANY else 1
    why = (
        "goes with the size"
        if few == 1
        else f"{facts.num_rows:,} pictures are few: a {_PARTS[few]} of what goes with the size"
    )
    otherwise = NO_PICTURE if name is None else f"the network for pictures is '{name}'"
    if facts.body is not None:
        otherwise = "the network that it starts from has its own"
    fits = name == "residual" and facts.body is None
    usual = max(8, size["channels"] // few)
    return decide.where(fits, "network.channels", usual, why, otherwise) or usual


def changes(decide: Decider, facts: Circumstances) -> Augmentation:
    """How pictures are changed at every step of the training."""
    pictures = facts.inputs.get("image", 0) > 0
    trial = facts.mirror
    flip, why = False, "not tried: the target has no classes, or there are too few pictures"
    if trial is not None:
        flip, why = trial.keeps_class, trial.reason
    found = {
        "flip": decide.where(pictures, "augment.flip", flip, why, NO_PICTURE),
        "shift": decide.where(
            pictures,
            "augment.shift",
            2,
            "what is in a picture may stand a little aside",
            NO_PICTURE,
        ),
        "cutout": decide.where(
            pictures, "augment.cutout", 0, "no part of a picture is hidden", NO_PICTURE
        ),
    }
    return Augmentation(**{name: value for name, value in found.items() if value is not None})
