"""Places that a network may come from: what is read, refused and told; transformers is not needed.

Where it is needed, test_pretrained.py asks it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from fathom.base.errors import FathomError, MissingExtra, RecipeError, RunError
from fathom.models import body_places
from fathom.models.assemble import NetworkPlan
from fathom.models.body_places import read_body
from fathom.models.transformers_folder import read_processor
from fathom.nets.pretrained import PretrainedShape
from fathom.workflow.study import study  # noqa: F401  (the whole path is importable without it)

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def write(folder: Path, config: Any, *others: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name in others:
        if name == "model.safetensors":
            save_file({"a": torch.zeros(1)}, folder / name)
        else:
            (folder / name).write_bytes(b"\x80\x04")
    return folder


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers cannot be imported, whether it is there or not."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setattr(body_places, "find_spec", lambda name: None)


def refusal(place: Path | str) -> list[str]:
    with pytest.raises(FathomError) as caught:
        read_body(place)
    return str(caught.value).splitlines()


def test_fathom_imports_nothing_of_transformers_by_itself() -> None:
    import subprocess

    code = "import sys, fathom.workflow.api, fathom.models.body_places, fathom.nets.pretrained;"
    code += "sys.exit(any(n.split('.')[0] in ('transformers', 'huggingface_hub')"
    code += " for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("without")
def test_the_extra_is_named_where_it_is_absent(tmp_path: Path) -> None:
    folder = write(tmp_path / "net", {"model_type": "vit"}, "model.safetensors")
    for place in (folder, folder / "model.safetensors"):
        with pytest.raises(MissingExtra) as caught:
            read_body(place)
        assert str(caught.value).splitlines() == [
            "A network of the package transformers needs the package 'transformers', "
            "which is not installed.",
            "  expected: the extra 'transformers' of fathom-learn",
            "  do:       pip install 'fathom-learn[transformers]'",
        ]


def test_a_version_that_is_too_old_is_told(tmp_path: Path, monkeypatch: Any) -> None:
    class Old:
        __version__ = "4.57.1"

    monkeypatch.setitem(sys.modules, "transformers", Old)
    told = refusal(write(tmp_path / "net", {"model_type": "vit"}, "model.safetensors"))
    assert told[0] == "The package 'transformers' is too old."
    assert told[1:3] == ["  expected: version 5 or newer", "  got:      4.57.1"]


def test_types_that_are_not_known_are_listed(tmp_path: Path) -> None:
    folder = write(tmp_path / "net", {"model_type": "bert"}, "model.safetensors")
    assert refusal(folder) == [
        "This is no network for pictures that can be started from.",
        f"  where:    {folder / 'config.json'}",
        "  expected: a model_type of 'resnet', 'convnext', 'convnextv2', 'vit', 'dinov2', "
        "'dinov2_with_registers'",
        "  got:      the model_type 'bert'",
        "  do:       Name a network of one of these types, with plain weights.",
    ]
    packed = {"model_type": "vit", "quantization_config": {"quant_method": "x"}}
    assert "  got:      a quantization_config" in refusal(write(tmp_path / "packed", packed))
    for odd in ({}, {"model_type": ["vit"]}, {"model_type": None}):
        assert refusal(write(tmp_path / "odd", odd))[0].startswith("This is no network")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "net", {"model_type": "vit"}, "pytorch_model.bin")
    told = refusal(folder)
    assert told[0] == "The weights are pickled, which fathom never reads: it could run any code."
    assert told[2:4] == ["  expected: model.safetensors", "  got:      'pytorch_model.bin'"]
    assert "save_pretrained" in told[4]
    assert refusal(folder / "pytorch_model.bin")[0] == "This file is no network to start from."
    bare = write(tmp_path / "bare", {"model_type": "vit"})
    assert refusal(bare)[0] == "The weights of the network are not there."


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000, "\udcff"])
def test_a_config_that_is_none(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    assert refusal(folder)[0] == "The network to start from cannot be read."


@pytest.mark.usefixtures("without")
def test_a_name_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = refusal("someone/some-net")
    assert told[0] == "There is no trained network to start from."
    assert "got:      no such folder" in told[3]
    assert "to be downloaded: pip install 'fathom-learn[transformers]'" in told[4]
    assert "downloaded" not in refusal("one/two/three")[4]


class Hub:
    """A hub that has one folder, or none."""

    class constants:  # noqa: N801
        HF_HUB_CACHE = "/cache/hub"

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.asked = folder, []

    def snapshot_download(self, name: str, allow_patterns: list[str]) -> str:
        self.asked.append((name, allow_patterns))
        if self.folder is None:
            raise FileNotFoundError("no internet\nat all")
        return str(self.folder)


def test_a_name_is_asked_for_where_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(body_places, "find_spec", lambda name: object())
    offline = Hub(None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", offline)
    assert refusal("someone/some-net") == [
        "There is no folder 'someone/some-net', and no network of that name could be downloaded.",
        f"  where:    {tmp_path / 'someone/some-net'}; downloads of before: /cache/hub",
        "  expected: the repository 'someone/some-net' of the Hugging Face hub, with config.json, "
        "model.safetensors and (where there is one) preprocessor_config.json",
        "  got:      FileNotFoundError: no internet at all",
        "  do:       Go online; or download these files on another machine, put them into a "
        "folder, and name that folder: --from FOLDER.",
    ]
    wanted = ["config.json", "model.safetensors", "preprocessor_config.json"]
    assert offline.asked == [("someone/some-net", wanted)]
    found = Hub(write(tmp_path / "cached", {"model_type": "bert"}))
    monkeypatch.setitem(sys.modules, "huggingface_hub", found)
    assert "bert" in "".join(refusal("someone/some-net"))
    (tmp_path / "someone" / "some-net").mkdir(parents=True)  # a folder is a folder
    assert "no preparation.json in it, nor config.json" in refusal("someone/some-net")[3]
    assert len(found.asked) == 1


def processor(folder: Path, said: Any, channels: Any = 3) -> Any:
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return read_processor(folder, channels, 32)[0]


def test_how_pictures_are_read_without_a_processor(tmp_path: Path) -> None:
    reading, told = read_processor(tmp_path, 3, None)
    assert (reading.height, reading.width, reading.mean, reading.deviation) == (224, 224, *IMAGENET)
    assert told == (
        "there is no preprocessor_config.json: 224 × 224 pixels, and mean and deviation of "
        "ImageNet were supposed"
    )
    assert read_processor(tmp_path, 3, [96, 64])[0].width == 64
    grey = read_processor(tmp_path, 1, 32)[0]
    assert (len(grey.mean), len(grey.deviation), grey.height) == (1, 1, 32)


def test_the_size_of_each_kind_of_processor(tmp_path: Path) -> None:
    for said, expected in (
        ({"size": 384}, (384, 384)),
        ({"size": {"height": 224, "width": 192}}, (224, 192)),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, (224, 224)),
        ({"size": {"shortest_edge": 256}, "crop_size": {"height": 200, "width": 160}}, (200, 160)),
        ({"size": {"shortest_edge": 256}, "crop_size": 200, "do_center_crop": True}, (200, 200)),
        ({"size": 256, "crop_size": 200, "do_center_crop": False}, (256, 256)),
        ({}, (224, 224)),
    ):
        found = processor(tmp_path, said)
        assert (found.height, found.width) == expected


@pytest.mark.parametrize("factor", [1 / 255, 1 / 127.5, None, 1.0])
@pytest.mark.parametrize("normalise", [True, False])
def test_pixels_become_what_the_processor_makes_of_them(
    tmp_path: Path, factor: float | None, normalise: bool
) -> None:
    said = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.1, 0.2, 0.3], "do_normalize": normalise}
    said |= {"do_rescale": False} if factor is None else {"rescale_factor": factor}
    reading = processor(tmp_path, said)
    pixel = np.array([10.0, 100.0, 250.0])
    theirs = pixel * (factor or 1.0)
    if normalise:
        theirs = (theirs - said["image_mean"]) / said["image_std"]
    ours = (pixel / 255 - reading.mean) / reading.deviation
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_its_column_knows_nothing_of_neighbours(tmp_path: Path) -> None:
    column = processor(tmp_path, {"image_std": [0.1, 0.2, 0.5]}).column()
    texture = column.unit_texture
    np.testing.assert_allclose(texture[range(3), range(3), 3, 3], 1.0)
    assert np.count_nonzero(texture) == 3
    assert (column.channels, column.standard_deviation) == (3, (0.1, 0.2, 0.5))


@pytest.mark.parametrize(
    ("said", "channels", "told"),
    [
        ({"image_mean": [0.5, 0.5]}, 3, "2 numbers for 3 channels"),
        ({"image_std": 0.0}, 3, "a deviation that is not above 0"),
        ({"rescale_factor": 0}, 3, "ZeroDivisionError"),
        ({"size": {"longest_edge": 9}}, 3, "KeyError: 'height'"),
        ({"size": [1, 2, 3]}, 3, "too many values"),
        ({"size": -1}, 3, "pictures of -1 × -1 pixels"),
        ({"size": 10**9}, 3, "pictures of 1000000000"),
        ({"image_mean": ["a"] * 3}, 3, "could not convert"),
        ({}, 4, "4 channels in config.json"),
        ({}, "3", "'3' channels"),
    ],
)
def test_a_processor_that_does_not_fit(tmp_path: Path, said: Any, channels: Any, told: str) -> None:
    with pytest.raises(RunError, match="cannot be read") as caught:
        processor(tmp_path, said, channels)
    assert told in caught.value.got
    assert caught.value.where == str(tmp_path / "preprocessor_config.json")


def test_a_plan_needs_its_shape() -> None:
    with pytest.raises(RecipeError, match="must be said"):
        NetworkPlan(pictures="pretrained")
    shape = PretrainedShape(model_type="resnet", config="{}")
    assert NetworkPlan(pictures="pretrained", picture_shape=shape).picture_shape == shape
