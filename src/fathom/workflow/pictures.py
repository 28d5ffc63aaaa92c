"""What is decided for pictures alone."""

from collections.abc import Mapping
from typing import Any

from fathom.base.errors import RecipeError
from fathom.columns.gallery import SMALL
from fathom.models.picture_nets import FOREIGN, SHAPES, PictureNetworkName, PictureShape
from fathom.nets.convnext import ConvNextShape
from fathom.nets.convolution import ResidualShape
from fathom.nets.quick import QuickShape
from fathom.nets.vit import VitShape
from fathom.tables.augment import Augmentation
from fathom.tables.mixing import Mixing
from fathom.workflow.decider import Circumstances, Decider
from fathom.workflow.mirror import FEWEST, MirrorTrial
from fathom.workflow.recipe import useless

NO_PICTURE = "no input is a picture"
_FEW, _MANY = 1000, 5000
_PARTS = {2: "half", 4: "quarter"}


def only_pictures(facts: Circumstances) -> bool:
    """Whether the network sees nothing else."""
    return facts.inputs.get("image", 0) > 0 and set(facts.inputs) == {"image"}


def decide_picture_net(decide: Decider, facts: Circumstances) -> PictureNetworkName | None:
    """Which network reads pictures: where it starts from a trained one, that one.

    Raises:
        RecipeError: another one was said.
    """
    pictures, body = facts.inputs.get("image", 0) > 0, facts.body
    usual = ("residual", "shallow, wide and quick")
    if body is None and (said := decide.recipe.get("network.pictures")) in FOREIGN:
        reason = f"'{said}' is what transfer.from brings, which was not said"
        raise useless("network.pictures", decide.recipe, reason)
    if body is not None:
        if decide.recipe.get("network.pictures") not in (None, body.pictures):
            reason = f"the network that it starts from is '{body.pictures}'"
            raise useless("network.pictures", decide.recipe, reason)
        told = f"; {body.told}" if body.told else ""
        usual = (body.pictures, f"that of {body.origin}, which it starts from{told}")
    return decide.where(pictures, "network.pictures", *usual, NO_PICTURE)


def decide_shape(
    decide: Decider,
    facts: Circumstances,
    size: Mapping[str, int],
    name: PictureNetworkName | None,
) -> PictureShape | None:
    """What the network for pictures looks like: channels as decided, depth by the size.

    Few pictures are learned by heart by a wide network.
    """
    few = 4 if facts.num_rows < _FEW else 2 if facts.num_rows < _MANY else 1
    why = (
        "goes with the size"
        if few == 1
        else f"{facts.num_rows:,} pictures are few: a {_PARTS[few]} of what goes with the size"
    )
    otherwise = NO_PICTURE if name is None else f"the network for pictures is '{name}'"
    if facts.body is not None:
        otherwise = "the network that it starts from has its own"
    fits = name in SHAPES and facts.body is None
    usual = max(8, size["channels"] // few)
    why += _depth_told(name, size["blocks"])
    channels = decide.where(fits, "network.channels", usual, why, otherwise)
    return None if name is None or channels is None else _shape(name, channels, size["blocks"])


def _shape(name: PictureNetworkName, channels: int | list[Any], blocks: int) -> PictureShape:
    widths = _widths(name, channels)
    if name == "convnext":
        return ConvNextShape(widths=widths, depths=(blocks, blocks, 2 * blocks))
    if name == "vit":
        return VitShape(dim=widths[-1], depth=2 * blocks + 2)
    if name == "quick":
        return QuickShape(widths=widths)
    return ResidualShape(widths=widths)


def _widths(name: PictureNetworkName, channels: int | list[Any]) -> tuple[int, ...]:
    """Channels of each stage.

    Raises:
        RecipeError: a list that the network has no stages for, or of other things than channels.
    """
    if isinstance(channels, int):
        return channels, (4 if name == "quick" else 2) * channels, 4 * channels
    least, most = {"residual": (1, 5), "quick": (1, 5), "convnext": (3, 3)}.get(name, (0, 0))
    whole = all(type(width) is int and 4 <= width <= 4096 for width in channels)
    if whole and least <= len(channels) <= most:
        return tuple(channels)
    stages = f"{least} to {most}" if least < most else str(least)
    raise RecipeError(
        f"The network for pictures '{name}' cannot have these channels.",
        where="network.channels",
        expected=f"a list of {stages} whole numbers from 4 to 4096, or one such number"
        if most
        else "a whole number: it has no stages",
        got=str(channels),
        do="Name the channels of the first stage alone, or of each.",
    )


def _depth_told(name: PictureNetworkName | None, blocks: int) -> str:
    if name == "convnext":
        return f"; {blocks}, {blocks} and {2 * blocks} blocks go with it too"
    return f"; {2 * blocks + 2} blocks go with it too" if name == "vit" else ""


def views(decide: Decider, facts: Circumstances) -> tuple[bool, bool]:
    """Whether an answer sees a picture mirrored, too, and whether moved by a pixel."""
    pictures = facts.inputs.get("image", 0) > 0
    sides = decide.where(pictures, "network.both_sides", *_both_sides(facts.mirror), NO_PICTURE)
    nudged = decide.where(pictures, "network.nudged", *_nudged(facts), NO_PICTURE)
    return bool(sides), bool(nudged)


def _both_sides(trial: MirrorTrial | None) -> tuple[bool, str]:
    if trial is not None and trial.keeps_class:
        return True, "mirrored it shows the same, and the mean of two views errs less"
    return False, "mirrored it may show something else"


def _nudged(facts: Circumstances) -> tuple[bool, str]:
    if facts.body is not None and facts.body.foreign:
        return False, "a network from elsewhere is large, and each further view takes as long"
    if facts.picture_side > SMALL:
        return False, f"a pixel is little in pictures of more than {SMALL}"
    return True, "the mean over pictures moved by a pixel errs less"


def changes(decide: Decider, facts: Circumstances) -> Augmentation:
    """How pictures are changed at every step of the training."""
    pictures = facts.inputs.get("image", 0) > 0
    large = facts.picture_side > SMALL
    crop = (1.0, f"pictures of at most {SMALL} pixels are shown whole")
    colour = (0.0, f"pictures of at most {SMALL} pixels keep their colours")
    if large:
        crop = (0.7, "photographs show things at many scales")
        colour = (0.2, "photographs are taken in many lights")
    found = {"flip": decide.where(pictures, "augment.flip", *_flip(facts), NO_PICTURE)}
    for name, usual in (
        ("rotate", (0.0, "most pictures are taken upright")),
        ("scale", (0.0, "a crop zooms already" if large else "what is shown is of one size")),
        ("crop", crop),
    ):
        found[name] = decide.where(pictures, f"augment.{name}", *usual, NO_PICTURE)
    shift = (2, "what is in a picture may stand a little aside")
    if pictures and found["crop"] < 1:
        shift = (0, "a crop moves what is in a picture already")
    for name, usual in (
        ("shift", shift),
        ("cutout", (0, "no part of a picture is hidden")),
        ("colour", colour),
        ("blur", (0.0, "pictures are in focus")),
    ):
        found[name] = decide.where(pictures, f"augment.{name}", *usual, NO_PICTURE)
    for name in ("shift", "cutout"):
        _check_within(f"augment.{name}", found[name], facts.picture_side)
    found["flip"] = {True: "alternating", False: "none"}.get(found["flip"], found["flip"])
    return Augmentation(**{name: value for name, value in found.items() if value is not None})


def _check_within(key: str, pixels: int | None, side: int) -> None:
    """A picture must not be moved out of sight, nor emptied.

    Raises:
        RecipeError: it could be.
    """
    if pixels is None or not side or pixels < side:
        return
    raise RecipeError(
        "Nothing might be left of a picture.",
        where=key,
        expected=f"fewer pixels than a picture has on a side: less than {side}",
        got=str(pixels),
        do="Take a quarter of that, or less.",
    )


def mixture(decide: Decider, facts: Circumstances) -> Mixing:
    """How pictures are mixed with one another at every step of the training."""
    alone = dict(facts.inputs) == {"image": 1}
    pictures = facts.inputs.get("image", 0) > 0
    otherwise = "other inputs than the one picture cannot be mixed" if pictures else NO_PICTURE
    found = {
        name: decide.where(alone, f"augment.{name}", 0.0, why, otherwise)
        for name, why in (
            ("mixup", "pictures are not blended"),
            ("cutmix", "no part of a picture comes from another"),
        )
    }
    return Mixing(**{name: value for name, value in found.items() if value is not None})


def _flip(facts: Circumstances) -> tuple[str | bool, str]:
    trial = facts.mirror
    if trial is not None:
        return "alternating" if trial.keeps_class else False, trial.reason
    if next(iter(facts.tasks.values())) not in ("binary", "multiclass"):
        return False, "not tried: the target has no classes, of which one picture has one"
    return False, f"not tried: fewer than {FEWEST} pictures with a known class"
