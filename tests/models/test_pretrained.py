"""Networks of transformers as ours: the same answers as theirs, layers, shapes, damage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fathom.base.errors import RunError
from fathom.base.seeds import torch_generator
from fathom.models.body import Body
from fathom.models.body_places import read_body
from fathom.models.picture_nets import build_picture_net, shape_from
from fathom.nets.pretrained import ARCHITECTURES, Pretrained, PretrainedShape
from fathom.training.optimizers import parameter_roles

Tiny = Callable[..., Any]


def built(body: Body, seed: int = 0) -> Pretrained:
    net = build_picture_net("pretrained", body.shape, body.column, torch_generator(seed, "net"))
    assert isinstance(net, Pretrained)
    return net


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_sees_what_theirs_sees(name: str, head: bool, tmp_path: Path, tiny_body: Tiny) -> None:
    """Whatever stands on top of it in the file; in sizes that it did not learn on, too."""
    theirs = tiny_body(name, tmp_path / "net", head=head)
    theirs = theirs.base_model if head else theirs
    body = read_body(tmp_path / "net")
    net = built(body).eval()
    net.load_state_dict(body.weights)
    for side in (32, 64):
        x = torch.randn(2, 3, side, side, generator=torch_generator(1, "x"))
        with torch.inference_mode():
            expected = theirs(x, **({"interpolate_pos_encoding": True} if name == "vit" else {}))
            found = net(x)
        assert found.shape == (2, net.dim_out)
        last = expected.last_hidden_state
        if last.ndim == 4 and name == "resnet":
            assert torch.allclose(found, last.mean((2, 3)), atol=1e-6)
        elif last.ndim == 4:
            assert torch.allclose(found, expected.pooler_output, atol=1e-6)
        else:
            num = (side // 8) ** 2
            assert torch.allclose(found[:, :16], last[:, 0], atol=1e-6)
            assert torch.allclose(found[:, 16:], last[:, -num:].mean(1), atol=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_its_layers_hold_all_of_it_in_order(name: str, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body(name, tmp_path / "net")
    net = built(read_body(tmp_path / "net"))
    for key, _ in net.named_parameters():
        assert sum(key.startswith(f"{layer}.") for layer in net.layers) == 1, key
    order: list[str] = []
    for layer in net.layers:
        net.get_submodule(layer).register_forward_hook(
            lambda *_, layer=layer: order.append(layer)  # type: ignore[misc]
        )
    net.eval()(torch.zeros(1, 3, 32, 32))
    assert tuple(order) == net.layers


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_all_of_it_learns(name: str, tmp_path: Path, tiny_body: Tiny) -> None:
    """Nothing is left without a gradient, nothing is asleep, every weight has a role."""
    tiny_body(name, tmp_path / "net")
    net = built(read_body(tmp_path / "net"))
    assert all(module.training for module in net.modules())
    x = torch.randn(4, 3, 64, 64, generator=torch_generator(1, "x"))
    (net(x) * torch.randn(net.dim_out, generator=torch_generator(2, "x"))).sum().backward()
    idle = {key for key, one in net.named_parameters() if one.grad is None}
    assert idle <= {"model.embeddings.mask_token"}
    assert idle == {key for key, one in net.named_parameters() if not one.requires_grad}
    roles = parameter_roles(net)
    assert set(roles.values()) <= {"hidden", "depthwise", "gain", "bias", "embedding"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_its_shape_is_kept_as_text(name: str, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body(name, tmp_path / "net", head=True)
    shape = read_body(tmp_path / "net").shape
    assert isinstance(shape, PretrainedShape)
    assert "label" not in shape.config
    assert json.loads(shape.config)["num_channels"] == 3
    again = shape_from("pretrained", {"model_type": shape.model_type, "config": shape.config})
    assert again == shape
    body = read_body(tmp_path / "net")
    body.write(tmp_path / "kept")
    kept = read_body(tmp_path / "kept" / "body.safetensors")
    assert (kept.shape, kept.fingerprint, kept.column) == (shape, body.fingerprint, body.column)
    assert read_body(tmp_path / "net" / "model.safetensors").fingerprint == body.fingerprint


def test_the_same_seed_gives_the_same_weights_and_disturbs_nothing(
    tmp_path: Path, tiny_body: Tiny
) -> None:
    tiny_body("vit", tmp_path / "net")
    body = read_body(tmp_path / "net")
    before = torch.get_rng_state()
    one, same, other = (built(body, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    key = "model.layers.0.attention.q_proj.weight"
    key = key if key in one else next(key for key in one if "layers.0" in key and one[key].ndim > 1)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one[key], other[key])


def test_what_a_file_says_of_code_and_kernels_is_not_heard(tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("dinov2", tmp_path / "net")
    place = tmp_path / "net" / "config.json"
    said = json.loads(place.read_text())
    usual = read_body(tmp_path / "net").shape
    said |= {"auto_map": {"AutoModel": "evil.Model"}, "attn_implementation": "someone/kernel"}
    said |= {"_attn_implementation": "someone/kernel", "trust_remote_code": True, "dtype": "int8"}
    place.write_text(json.dumps(said))
    (tmp_path / "net" / "evil.py").write_text("raise SystemExit('was run')")
    (tmp_path / "net" / "adapter_config.json").write_text("{}")
    assert read_body(tmp_path / "net").shape == usual


def test_weights_of_half_the_bits_are_widened(tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("convnext", tmp_path / "net").half().save_pretrained(tmp_path / "half")
    found = read_body(tmp_path / "half")
    assert {one.dtype for one in found.weights.values()} == {torch.float32}
    assert "were supposed" in found.told
    assert (found.column.height, found.column.channels) == (224, 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"hidden_sizes": [8, 12, 16, 24]}, ""),
        ({"depths": [1, 1, 3, 1]}, "no weights called"),
        ({"hidden_act": "none of these"}, ""),
        ({"hidden_sizes": "abc"}, ""),
        ({"num_channels": 2}, "2 channels"),
    ],
)
def test_sizes_that_do_not_fit_the_weights(
    tmp_path: Path, change: Any, told: str, tiny_body: Tiny
) -> None:
    tiny_body("convnext", tmp_path / "net")
    place = tmp_path / "net" / "config.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | change))
    with pytest.raises(RunError, match="cannot be read") as caught:
        read_body(tmp_path / "net")
    assert told in caught.value.got


def test_a_file_that_was_cut_off(tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("resnet", tmp_path / "net")
    place = tmp_path / "net" / "model.safetensors"
    place.write_bytes(place.read_bytes()[:2000])
    with pytest.raises(RunError, match="cannot be read"):
        read_body(tmp_path / "net")
