"""Networks for pictures, by name and by shape."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import fathom
from fathom.base.errors import RecipeError
from fathom.nets.convnext import ConvNextShape
from fathom.nets.convolution import ResidualShape
from fathom.nets.vit import VitShape
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.study import study

Square = Callable[[bool, int], bytes]


def test_another_network_is_another_model(
    folder: Path, run: Run, tmp_path: Path, quick: dict[str, Any]
) -> None:
    settings = {**quick, "network.pictures": "lenet"}
    found = fathom.train(folder, out=tmp_path / "run", settings=settings, watch=None)
    assert type(found.network.encoders["image_0"].net).__name__ == "LeNet"
    assert type(run.network.encoders["image_0"].net).__name__ == "FastResidual"


def test_channels_belong_to_the_network_that_has_them(folder: Path) -> None:
    decided = {made.key: made for made in fathom.plan(folder)}
    assert decided["network.channels"].value == 12
    reason = "96 pictures are few: a quarter of what goes with the size"
    assert decided["network.channels"].reason == reason
    settings = {"network.pictures": "lenet", "network.channels": 8}
    with pytest.raises(RecipeError, match="the network for pictures is 'lenet'"):
        fathom.plan(folder, settings=settings)


@pytest.mark.parametrize(
    ("name", "channels", "expected"),
    [
        ("residual", [], "a list of 1 to 5 whole numbers from 4 to 4096, or one such number"),
        ("quick", [8, 2], "a list of 1 to 5 whole numbers from 4 to 4096, or one such number"),
        ("residual", [8, 2], "a list of 1 to 5 whole numbers from 4 to 4096, or one such number"),
        ("convnext", [8, 16], "a list of 3 whole numbers from 4 to 4096, or one such number"),
        ("vit", [8, 16, 32], "a whole number: it has no stages"),
    ],
)
def test_channels_of_stages_that_are_none(
    name: str, channels: list[int], expected: str, folder: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        fathom.plan(folder, settings={"network.pictures": name, "network.channels": channels})
    assert caught.value.what == f"The network for pictures '{name}' cannot have these channels."
    assert (caught.value.expected, caught.value.got) == (expected, str(channels))


def test_channels_of_every_stage(folder: Path, tmp_path: Path, quick: dict[str, Any]) -> None:
    settings = {**quick, "network.channels": [8, 12, 12, 16]}
    run = fathom.train(folder, out=tmp_path / "run", settings=settings, watch=None)
    net = run.network.encoders["image_0"].net
    assert [stage.widen.out_channels for stage in net.stages] == [8, 12, 12, 16]
    assert "channels = [8, 12, 12, 16]" in (run.folder / "recipe.toml").read_text()


@pytest.mark.parametrize("name", ["convnext", "vit"])
def test_larger_networks_learn_and_go_on_to_the_same_bits(
    name: str, folder: Path, tmp_path: Path, quick: dict[str, Any]
) -> None:
    """From mixed pictures; and the report shows what they are made of."""
    settings = {**quick, "training.epochs": 6, "network.pictures": name, "augment.mixup": 0.2}
    settings |= {"network.channels": 8, "size": "small"}
    whole = fathom.train(folder, out=tmp_path / "whole", settings=settings, watch=None)
    assert whole.score["metrics"]["accuracy"]["value"] > 0.85
    html = whole.report.read_text("utf-8")
    assert "What speaks for the answer" in html
    assert "First layer" in html
    assert ("blocks.1" if name == "vit" else "stages.2") in html
    half = Path(shutil.copytree(whole.folder, tmp_path / "half"))
    for left in ("model.safetensors", "score.json", "report.html", "answers.json"):
        (half / left).unlink()
    again = fathom.resume(half, watch=None)
    assert (again.folder / "model.safetensors").read_bytes() == (
        whole.folder / "model.safetensors"
    ).read_bytes()


def test_shapes_follow_from_size_and_rows(folder: Path, quick: dict[str, Any]) -> None:
    def told(**said: object) -> tuple[object, object, str]:
        settings = {key.replace("__", "."): value for key, value in said.items()}
        found = study(Recipe.of({**quick, **settings}), folder).resolved
        made = next(one for one in found.decisions if one.key == "network.channels")
        return found.network.picture_shape, made.value, made.reason

    few = "102 pictures are few: a quarter of what goes with the size"
    shape, value, reason = told(network__pictures="convnext", size="large")
    assert shape == ConvNextShape(widths=(16, 32, 64), depths=(3, 3, 6))
    assert (value, reason) == (16, f"{few}; 3, 3 and 6 blocks go with it too")
    shape, value, reason = told(network__pictures="vit")
    assert shape == VitShape(dim=48, depth=6)
    assert (value, reason) == (12, f"{few}; 6 blocks go with it too")
    shape, value, reason = told(network__pictures="vit", network__channels=5, size="small")
    assert shape == VitShape(dim=20, depth=4)
    assert (value, reason) == (5, "you said so")
    assert told()[0] == ResidualShape(widths=(12, 24, 48))


@pytest.mark.parametrize("name", ["convnext", "vit"])
def test_larger_networks_stand_beside_numbers(
    name: str, tmp_path: Path, quick: dict[str, Any], square: Square
) -> None:
    rng, num = np.random.default_rng(4), 80
    bright = rng.random(num) < 0.5
    for number in range(num):
        (tmp_path / f"{number}.png").write_bytes(square(bool(bright[number]), number))
    (tmp_path / "7.png").write_bytes(b"no picture")
    size = rng.random(num).round(3)
    names = [f"{number}.png" for number in range(num)]
    rows = pl.DataFrame({"photo": names, "size": size, "price": (3 * bright + size).round(3)})
    rows.write_csv(tmp_path / "table.csv")
    settings = {**quick, "network.pictures": name, "network.channels": 4, "size": "small"}
    settings |= {"network.both_sides": True}
    run = fathom.train(
        tmp_path / "table.csv", "price", out=tmp_path / "run", settings=settings, watch=None
    )
    view = run.network.encoders["image_0"].view
    assert (view[1].in_features, view[1].out_features) == (16, 32)
    assert np.isfinite(run.score["metrics"]["rmse"]["value"])
    text = (run.folder / "preparation.json").read_text()
    assert json.loads(text)["network"]["picture_shape"]
    answers = fathom.predict(run, tmp_path / "table.csv").frame
    assert answers.columns[:3] == ["row", "photo", "price"]
    assert answers["photo"].to_list() == names


def test_an_unknown_network_for_pictures_is_told() -> None:
    with pytest.raises(RecipeError, match=r"'vitt'(.|\n)*'convnext', 'vit', 'lenet'"):
        Recipe.of({"network.pictures": "vitt"})


def test_a_network_for_pictures_needs_pictures() -> None:
    rows = {"x": [n / 7 for n in range(60)], "y": [n % 11 / 3 for n in range(60)]}
    with pytest.raises(RecipeError, match=r"no effect here(.|\n)*no input is a picture"):
        fathom.plan(rows, "y", settings={"network.pictures": "lenet"})


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
@pytest.mark.parametrize("name", ["residual", "quick", "lenet", "convnext", "vit", "flat"])
def test_pictures_of_a_pixel_or_two(
    size: tuple[int, int], name: str, tmp_path: Path, quick: dict[str, Any]
) -> None:
    for number in range(60):
        place = tmp_path / ("dark", "light")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        tone = number + 130 * (number % 2)
        Image.new("RGB", size, (tone, tone // 2, number)).save(place)
    settings = quick | {"training.epochs": 1, "network.pictures": name, "look": False}
    run = fathom.train(tmp_path, out=tmp_path / "run", settings=settings, watch=None)
    assert run.score["rows"] > 5
