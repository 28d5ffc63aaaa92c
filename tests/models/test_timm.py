"""Networks of timm to start from: read from a folder, told apart, trained on."""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

import fathom
from fathom.base.errors import FathomError, RecipeError
from fathom.models.body_places import read_body
from fathom.nets.timm_net import TimmNet, TimmShape

TINY = ("test_resnet", "test_vit", "test_convnext", "test_efficientnet")


@pytest.fixture(scope="module")
def timm() -> Any:
    """The package; the test is skipped where it cannot be imported."""
    try:
        return import_module("timm")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm cannot be imported ({error})")


def saved(timm: Any, architecture: str, folder: Path, **changes: Any) -> nn.Module:
    """A tiny network with random weights, in the format of the hub; with its classifier."""
    torch.manual_seed(0)
    model = timm.create_model(architecture, pretrained=False, num_classes=7)
    with torch.no_grad():
        for parameter in model.parameters():  # some begin at nought, and would hide a mistake
            parameter.add_(0.05 * torch.randn_like(parameter))
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        name: model.pretrained_cfg[name] for name in ("input_size", "classifier", "mean", "std")
    }
    facts = {"architecture": architecture, "num_classes": 7, "pretrained_cfg": said | changes}
    (folder / "config.json").write_text(json.dumps(facts))
    save_file(model.state_dict(), folder / "model.safetensors")
    return model.eval()


@pytest.mark.parametrize("architecture", TINY)
def test_the_vector_is_what_the_classifier_sees(
    timm: Any, architecture: str, tmp_path: Path
) -> None:
    model = saved(timm, architecture, tmp_path / "net", mean=[0.1, 0.2, 0.3])
    body = read_body(tmp_path / "net")
    assert body.pictures == "timm"
    assert isinstance(body.shape, TimmShape)
    assert (body.foreign, body.column.mean) == (True, (0.1, 0.2, 0.3))
    net = TimmNet(body.shape, torch.Generator()).eval()
    net.load_state_dict(body.weights)
    x = torch.randn(2, *model.pretrained_cfg["input_size"])
    with torch.inference_mode():
        expected = model.forward_head(model.forward_features(x), pre_logits=True)
        assert torch.equal(net(x), expected)
    assert net.dim_out == expected.shape[1]


@pytest.mark.parametrize("architecture", TINY)
def test_each_weight_belongs_to_one_layer(timm: Any, architecture: str, tmp_path: Path) -> None:
    saved(timm, architecture, tmp_path / "net")
    shape = read_body(tmp_path / "net").shape
    assert isinstance(shape, TimmShape)
    net = TimmNet(shape, torch.Generator())
    for name, _ in net.named_parameters():
        assert sum(name == layer or name.startswith(f"{layer}.") for layer in net.layers) == 1, name
    assert shape.num_layers == len(net.layers) > 3


def test_the_same_generator_draws_the_same_network(timm: Any, tmp_path: Path) -> None:
    saved(timm, "test_vit", tmp_path / "net")
    shape = read_body(tmp_path / "net").shape
    assert isinstance(shape, TimmShape)
    first, second = (TimmNet(shape, torch.Generator().manual_seed(3)).state_dict() for _ in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)


def pictures(folder: Path, num: int = 60) -> Path:
    rng = np.random.default_rng(0)
    for number in range(num):
        place = folder / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        grey = 80 + 90 * (number % 2) + rng.normal(0, 40, (40, 40))
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(place)
    return folder


def test_a_training_from_it(timm: Any, tmp_path: Path) -> None:
    saved(timm, "test_vit", tmp_path / "net")
    settings = {"training.epochs": 2, "split.folds": 0, "evaluate.importance": False}
    run = fathom.train(
        pictures(tmp_path / "pictures"),
        out=tmp_path / "run",
        kinds={"image": "image:64"},
        from_=tmp_path / "net",
        settings=settings,
        watch=None,
    )
    encoder = run.network.encoders["image_0"]
    assert isinstance(encoder.net, TimmNet)
    again = fathom.load(run.folder)
    found = [
        fathom.predict(one, tmp_path / "pictures" / "a").frame["class"].to_list()
        for one in (run, again)
    ]
    assert found[0] == found[1]


def test_a_network_of_one_size_says_so(timm: Any, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "pictures")
    saved(timm, "mixer_s32_224", tmp_path / "net")
    with pytest.raises(RecipeError, match="This network sees pictures of one size only") as caught:
        fathom.train(folder, out=tmp_path / "run", from_=tmp_path / "net",
                     kinds={"image": "image:64"}, watch=None)  # fmt: skip
    assert "--kind image=image" in (caught.value.do or "")


def refusal(folder: Path) -> list[str]:
    with pytest.raises(FathomError) as caught:
        read_body(folder)
    return str(caught.value).splitlines()


def test_what_timm_does_not_know(timm: Any, tmp_path: Path) -> None:
    saved(timm, "test_resnet", tmp_path / "net")
    place = tmp_path / "net" / "config.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"architecture": "hf-hub:x/y"}))
    told = refusal(tmp_path / "net")
    assert told[0] == "timm has no network of this name."
    assert "'hf-hub:x/y'" in told[2]


def test_weights_of_another_network(timm: Any, tmp_path: Path) -> None:
    saved(timm, "test_resnet", tmp_path / "net")
    place = tmp_path / "net" / "model.safetensors"
    weights = load_file(place)
    weights["layer1.9.weight"] = weights.pop("conv1.0.weight")
    save_file(weights, place)
    told = refusal(tmp_path / "net")
    assert told[0] == "The network to start from cannot be read."
    assert "'conv1.0.weight', 'layer1.9.weight'" in told[3]


@pytest.mark.parametrize(
    "said",
    [{"input_size": [3, 0, 224]}, {"input_size": [3]}, {"std": [0, 1, 1]}, {"mean": [1]},
     {"input_size": [2, 64, 64]}, {"input_size": "large"}],
    ids=str,
)  # fmt: skip
def test_a_config_that_cannot_be(timm: Any, said: dict[str, Any], tmp_path: Path) -> None:
    saved(timm, "test_resnet", tmp_path / "net", **said)
    assert refusal(tmp_path / "net")[0] == "The network to start from cannot be read."


def folder_without_timm(folder: Path) -> Path:
    folder.mkdir()
    facts = {"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, 224, 224]}}
    (folder / "config.json").write_text(json.dumps(facts))
    save_file({"a": torch.zeros(1)}, folder / "model.safetensors")
    return folder


def test_where_timm_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    told = refusal(folder_without_timm(tmp_path / "net"))
    assert told[0] == "A network of the package timm needs timm, which cannot be imported."
    assert told[1] == "  expected: timm, and a torchvision that was built for this PyTorch"
    assert told[3].startswith("  do:       Install both (they are no extra of fathom-learn")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = folder_without_timm(tmp_path / "net")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    told = refusal(folder)
    assert told[0] == "The weights are pickled, which fathom never reads: it could run any code."
    assert "timm.models.save_for_hf(model, FOLDER" in told[4]
