"""Networks for pictures by name: their shapes kept and read again, the old form too; mistakes."""

from dataclasses import asdict, replace
from typing import Any, get_args

import pytest
import torch

from fathom.base.errors import RecipeError
from fathom.base.seeds import torch_generator
from fathom.columns.image import FittedImage
from fathom.models.assemble import NetworkPlan
from fathom.models.picture_nets import (
    FOREIGN,
    PICTURE_NETWORKS,
    SHAPES,
    PictureNetworkName,
    build_picture_net,
    shape_from,
    stored_shape,
    usual_shape,
)
from fathom.nets.convnext import ConvNextShape
from fathom.nets.convolution import ResidualShape
from fathom.nets.quick import QuickShape
from fathom.nets.vit import VitShape
from fathom.training.optimizers import parameter_roles
from fathom.workflow.settings import setting

STILL = tuple(float(place == 24) for place in range(49))
FITTED = FittedImage(
    height=16, width=14, channels=1, mean=(0.5,), standard_deviation=(0.25,), count=9,
    num_missing=0, texture=STILL,
)  # fmt: skip
SMALL: dict[str, Any] = {
    "residual": ResidualShape(widths=(8, 16)),
    "quick": QuickShape(widths=(8, 16)),
    "convnext": ConvNextShape(widths=(8, 16), depths=(1, 2), side=5),
    "vit": VitShape(dim=12, depth=3, dropout=0.1),
}

# Those from elsewhere are tested in test_pretrained.py and test_timm.py.
OURS = [name for name in PICTURE_NETWORKS if name not in FOREIGN]


def test_the_words_are_one_list() -> None:
    assert tuple(PICTURE_NETWORKS) == get_args(PictureNetworkName)
    assert tuple(PICTURE_NETWORKS) == setting("network.pictures").choices


@pytest.mark.parametrize("name", OURS)
def test_each_is_built_as_it_was_stored(name: Any) -> None:
    shape = SMALL.get(name)
    facts = None if shape is None else {k: _listed(v) for k, v in asdict(shape).items()}
    assert shape_from(name, facts) == shape
    nets = [
        build_picture_net(name, one, FITTED, torch_generator(3, "net"))
        for one in (shape, shape_from(name, facts))
    ]
    x = torch.randn(2, 1, 16, 14, generator=torch_generator(0, "x"))
    one, other = (net.eval()(x) for net in nets)
    assert torch.equal(one, other)
    assert one.shape == (2, nets[0].dim_out)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", OURS)
def test_without_a_shape_it_looks_as_usual(name: Any) -> None:
    made = (build_picture_net(name, one, FITTED, torch_generator(0, "net"))
            for one in (None, usual_shape(name)))  # fmt: skip
    first, second = ({k: v.shape for k, v in net.state_dict().items()} for net in made)
    assert first == second


@pytest.mark.parametrize("name", ["residual", "lenet", "flat"])
def test_what_was_stored_before_is_read(name: str) -> None:
    """Every run had the shape of the residual network with it, whichever network it was of."""
    facts = {"pictures": name, "residual": {"widths": [8, 16, 32], "depth": 1, "whiten": True}}
    expected = ResidualShape(widths=(8, 16, 32)) if name == "residual" else None
    assert stored_shape(facts) == expected
    assert facts == {"pictures": name}


def test_a_word_that_there_is_not_is_told() -> None:
    word: Any = "vitt"
    with pytest.raises(RecipeError) as caught:
        NetworkPlan(pictures=word)
    assert str(caught.value).splitlines() == [
        "There is no network for pictures called 'vitt'.",
        "  where:    network.pictures",
        "  expected: 'residual', 'quick', 'convnext', 'vit', 'lenet', 'flat', 'pretrained', 'timm'",
        "  got:      'vitt'",
        "  do:       Did you mean 'vit'?",
    ]


def test_a_shape_of_another_network_is_told() -> None:
    with pytest.raises(RecipeError, match="does not belong to the network") as caught:
        NetworkPlan(pictures="vit", picture_shape=ConvNextShape())
    assert caught.value.where == "picture_shape"
    assert caught.value.expected == "a VitShape"
    assert caught.value.got == "a ConvNextShape"
    assert "Leave it out" in caught.value.do
    with pytest.raises(RecipeError, match="none: it has no choices"):
        replace(NetworkPlan(picture_shape=ResidualShape()), pictures="lenet")


@pytest.mark.parametrize("name", [name for name in SHAPES if name in OURS])
def test_roles_of_their_weights(name: Any) -> None:
    """For muon: matrices and convolutions; not norms, scales, depth-wise filters."""
    net = build_picture_net(name, SMALL[name], FITTED, torch_generator(0, "net"))
    roles = parameter_roles(net)
    found = {role: {key for key, one in roles.items() if one == role} for role in roles.values()}
    assert found.keys() <= {"hidden", "depthwise", "gain", "bias"}
    for key, weight in net.named_parameters():
        assert (roles[key] in ("hidden", "depthwise")) == (weight.ndim > 1), key
    lone = found.get("depthwise", set())
    assert lone == {key for key in roles if key.endswith("around.weight")}
