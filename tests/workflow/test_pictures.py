"""The whole path with pictures: folders, tables with a column of them, broken ones."""

import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import fathom
from fathom.base.errors import DataError, RecipeError, RunError, Stopped
from fathom.nets.convnext import ConvNextShape
from fathom.nets.convolution import ResidualShape
from fathom.nets.vit import VitShape
from fathom.tables.schema import Roles
from fathom.workflow.parts import facts_of
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run, load
from fathom.workflow.settings import SETTINGS
from fathom.workflow.show import describe_run
from fathom.workflow.study import study
from fathom.workflow.train import resume

QUICK: dict[str, Any] = {
    "training.epochs": 4,
    "training.batch_size": 32,
    "split.folds": 0,
    "evaluate.baselines": False,
    "evaluate.importance": False,
}


def square(bright: bool, seed: int) -> bytes:
    """A noisy picture whose left or right half is bright."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 120, (12, 14, 3), dtype=np.uint8)
    pixels[:, 7:] += np.uint8(130 if bright else 0)
    pixels[:, :7] += np.uint8(0 if bright else 130)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    for split, num in (("train", 120), ("test", 40)):
        for number in range(num):
            place = root / split / ("left", "right")[number % 2] / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(square(number % 2 == 1, 1000 * num + number))
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return fathom.train(folder, out=out, settings=QUICK, watch=None)


def test_a_folder_is_trained_from_as_it_is(run: Run) -> None:
    """The target is the folder's name, the split that is called test is tested on."""
    assert run.score["rows"] == 40
    assert run.score["target"] == "class"
    assert run.score["metrics"]["accuracy"]["value"] > 0.9


def test_folders_without_classes_are_answered(run: Run, folder: Path) -> None:
    found = fathom.predict(run, folder / "test" / "right")
    assert found.frame.height == 20
    assert (found.frame["class"] == "right").mean() > 0.8


def test_answers_say_which_picture_they_are_about(run: Run, folder: Path, tmp_path: Path) -> None:
    found = fathom.predict(run, folder / "test" / "right")
    assert found.frame.columns[:3] == ["row", "image", "class"]
    assert found.frame.columns[-1] == "unusual"
    assert found.frame["image"].to_list()[:3] == ["1.png", "11.png", "13.png"]
    whole = fathom.predict(run, folder / "test").frame
    assert whole["image"].to_list()[19:21] == ["left/8.png", "right/1.png"]
    found.write(tmp_path / "answers.csv")
    assert (tmp_path / "answers.csv").read_text().splitlines()[1].startswith("1,1.png,")


def test_pictures_without_a_name_stand_in_no_column(run: Run) -> None:
    rows = pl.DataFrame({"image": [square(True, 1), square(False, 2)]})
    frame = fathom.predict(run, rows).frame
    assert frame.columns[:2] == ["row", "class"]


def test_a_broken_picture_is_answered_as_missing_and_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(square(True, 1))
    (tmp_path / "b.png").write_bytes(square(True, 2)[:150])
    found = fathom.predict(run, tmp_path)
    assert found.frame["unusual"].to_list()[0] is None
    assert "image: " in found.frame["unusual"].to_list()[1]


def test_a_folder_is_answered_by_a_run_on_a_table_of_pictures(folder: Path, tmp_path: Path) -> None:
    """Whatever the table called its only input; beside others a folder is not enough."""
    names = [f"{side}/{n + (side == 'right')}.png" for n in range(0, 120, 2)
             for side in ("left", "right")]  # fmt: skip
    bright = [1.0 + n % 7 / 70 if "right" in name else n % 7 / 70 for n, name in enumerate(names)]
    table = folder / "train" / "table.csv"
    pl.DataFrame({"photo": names, "share": bright}).write_csv(table)
    run = fathom.train(table, "share", out=tmp_path / "run", settings=QUICK, watch=None)
    table.unlink()
    frame = fathom.predict(run, folder / "test" / "right").frame
    assert frame.columns[:3] == ["row", "photo", "share"]
    assert frame["photo"].to_list()[:2] == ["1.png", "11.png"]
    assert frame["unusual"].null_count() == 20


@pytest.mark.parametrize("target", [None, "image", "class"])
def test_loose_pictures_are_not_learned(target: str | None, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(square(True, 1))
    with pytest.raises(RecipeError) as caught:
        fathom.plan(tmp_path, target)
    assert str(caught.value) == (
        "Loose pictures have no classes, so there is nothing to learn.\n"
        f"  where:    {tmp_path}\n"
        "  expected: a folder for each class with its pictures in it, or a table\n"
        "  got:      2 pictures beside one another\n"
        "  do:       Sort them into a folder for each class, or give a table with their names and "
        "with what is to be learned of each."
    )
    assert "image" in fathom.look(tmp_path).schema.columns


def test_scores_and_answers_are_those_of_the_loaded_run(run: Run, folder: Path) -> None:
    again = fathom.load(run.folder)
    found = fathom.evaluate(again, folder / "test")
    value = found.scores[0]["metrics"]["log_loss"]["value"]
    assert value == pytest.approx(run.score["metrics"]["log_loss"]["value"], rel=1e-5)


def test_look_and_show_tell_of_pictures(folder: Path, run: Run) -> None:
    seen = fathom.look(folder)
    assert seen.schema.columns["image"].kind.name == "image"
    assert not [one for one in seen.findings if one.severity == "high"]


def test_the_same_seed_gives_the_same_bits(folder: Path, run: Run, tmp_path: Path) -> None:
    again = fathom.train(folder, out=tmp_path / "run", settings=QUICK, watch=None)
    one, two = (each.folder / "model.safetensors" for each in (run, again))
    assert one.read_bytes() == two.read_bytes()


def test_another_network_is_another_model(folder: Path, run: Run, tmp_path: Path) -> None:
    settings = {**QUICK, "network.pictures": "lenet"}
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


def test_channels_of_every_stage(folder: Path, tmp_path: Path) -> None:
    settings = {**QUICK, "network.channels": [8, 12, 12, 16]}
    run = fathom.train(folder, out=tmp_path / "run", settings=settings, watch=None)
    net = run.network.encoders["image_0"].net
    assert [stage.widen.out_channels for stage in net.stages] == [8, 12, 12, 16]
    assert "channels = [8, 12, 12, 16]" in (run.folder / "recipe.toml").read_text()


@pytest.mark.parametrize("name", ["convnext", "vit"])
def test_larger_networks_learn_and_go_on_to_the_same_bits(
    name: str, folder: Path, tmp_path: Path
) -> None:
    """From mixed pictures; and the report shows what they are made of."""
    settings = {**QUICK, "training.epochs": 6, "network.pictures": name, "augment.mixup": 0.2}
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


def test_shapes_follow_from_size_and_rows(folder: Path) -> None:
    def told(**said: object) -> tuple[object, object, str]:
        settings = {key.replace("__", "."): value for key, value in said.items()}
        found = study(Recipe.of({**QUICK, **settings}), folder).resolved
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
def test_larger_networks_stand_beside_numbers(name: str, tmp_path: Path) -> None:
    rng, num = np.random.default_rng(4), 80
    bright = rng.random(num) < 0.5
    for number in range(num):
        (tmp_path / f"{number}.png").write_bytes(square(bool(bright[number]), number))
    (tmp_path / "7.png").write_bytes(b"no picture")
    size = rng.random(num).round(3)
    names = [f"{number}.png" for number in range(num)]
    rows = pl.DataFrame({"photo": names, "size": size, "price": (3 * bright + size).round(3)})
    rows.write_csv(tmp_path / "table.csv")
    settings = {**QUICK, "network.pictures": name, "network.channels": 4, "size": "small"}
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


def test_pictures_beside_numbers_and_words(tmp_path: Path) -> None:
    """The answer needs both the picture and the number."""
    rng = np.random.default_rng(5)
    num = 240
    bright, size = rng.random(num) < 0.5, rng.normal(size=num)
    names = [f"{number}.png" for number in range(num)]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(square(bool(bright[number]), number))
    answer = np.where(1.5 * bright + size > 0.75, "yes", "no")
    table = pl.DataFrame(
        {"photo": names, "size": size, "town": rng.choice(["a", "b"], num), "answer": answer}
    )
    table.write_csv(tmp_path / "table.csv")
    settings = {**QUICK, "training.epochs": 30, "network.pictures": "lenet"}
    settings |= {"evaluate.importance": True, "evaluate.baselines": True}
    run = fathom.train(
        tmp_path / "table.csv", "answer", out=tmp_path / "run", settings=settings, watch=None
    )
    assert run.score["metrics"]["accuracy"]["value"] > 0.85
    blind = fathom.predict(run, table.drop("photo"))
    assert blind.frame["unusual"].str.contains("photo: not in the table").all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("augment.flip", True),
        ("augment.flip", "random"),
        ("augment.shift", 4),
        ("augment.cutout", 5),
        ("augment.rotate", 20),
        ("augment.scale", 0.2),
        ("augment.crop", 0.6),
        ("augment.colour", 0.4),
        ("augment.blur", 0.5),
        ("augment.mixup", 0.3),
        ("augment.cutmix", 1.0),
        ("training.hold_norm", True),
        ("network.channels", 5),
    ],
)
def test_every_change_of_pictures_changes_the_training(
    key: str, value: object, folder: Path, run: Run, tmp_path: Path
) -> None:
    found = fathom.train(folder, out=tmp_path / "run", settings={**QUICK, key: value}, watch=None)
    ours, theirs = (each.folder / "history.jsonl" for each in (found, run))
    assert ours.read_bytes() != theirs.read_bytes()


@pytest.mark.parametrize(
    ("key", "value"), [("network.both_sides", True), ("network.nudged", False)]
)
def test_views_change_answers_and_not_the_training(
    key: str, value: bool, folder: Path, run: Run, tmp_path: Path
) -> None:
    found = fathom.train(folder, out=tmp_path / "run", settings={**QUICK, key: value}, watch=None)
    ours, theirs = found.folder, run.folder
    history, answers = "history.jsonl", Path("predictions") / "validation.parquet"
    assert (ours / history).read_bytes() == (theirs / history).read_bytes()
    assert not pl.read_parquet(ours / answers).equals(pl.read_parquet(theirs / answers))


def test_a_flip_alternates_where_nothing_else_is_said(folder: Path) -> None:
    """On, that is; the trial says whether it is."""
    for said, found in ((True, "alternating"), ("random", "random"), (False, "none")):
        recipe = Recipe.of({**QUICK, "augment.flip": said})
        assert study(recipe, folder).resolved.augment.flip == found


@pytest.mark.parametrize("key", [one.key for one in SETTINGS if one.key.startswith("augment.")])
def test_pictures_alone_can_be_changed(key: str) -> None:
    """Whatever the key is, and whatever it is set to."""
    rows = {"x": [n / 7 for n in range(60)], "y": [n % 11 / 3 for n in range(60)]}
    value = True if key == "augment.flip" else 1
    with pytest.raises(RecipeError, match=rf"'{key}' would have no effect(.|\n)*no input is a pic"):
        fathom.plan(rows, "y", settings={key: value})


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("augment.flip", "never", "cannot be 'never'(.|\n)*'alternating', 'random'"),
        ("augment.rotate", 181, "out of its range(.|\n)*from 0 up to 180(.|\n)*181"),
        ("augment.crop", 0.0, "out of its range(.|\n)*from 0.01 up to 1"),
        ("augment.colour", 1.5, "out of its range(.|\n)*from 0 up to 1"),
        ("augment.scale", -0.1, "out of its range(.|\n)*got: +-0.1"),
        ("augment.blur", "much", "of the wrong type(.|\n)*a number"),
    ],
)
def test_changes_out_of_range_are_told(key: str, value: object, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        Recipe.of({key: value})


@pytest.mark.parametrize(("side", "usual"), [(64, (1.0, 0.0, 2)), (96, (0.7, 0.2, 0))])
def test_large_pictures_are_cropped_and_relit_in_place_of_shifts(
    side: int, usual: tuple[float, ...], run: Run, tmp_path: Path
) -> None:
    """By the size that the network reads: a trained one that is started from brings its own."""
    for number in range(40):
        place = tmp_path / ("left", "right")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        with Image.open(io.BytesIO(square(number % 2 == 1, number))) as image:
            image.resize((60, side)).save(place)
    decided = {made.key: made.value for made in fathom.plan(tmp_path)}
    names = ("crop", "colour", "shift")
    assert tuple(decided[f"augment.{name}"] for name in names) == usual
    settings = {"transfer.from": str(run.folder)}
    small = {made.key: made.value for made in fathom.plan(tmp_path, settings=settings)}
    assert tuple(small[f"augment.{name}"] for name in names) == (1.0, 0.0, 2)
    assert decided["augment.rotate"] == decided["augment.blur"] == decided["augment.scale"] == 0


@pytest.mark.parametrize("key", ["augment.mixup", "augment.cutmix"])
def test_pictures_beside_other_columns_are_not_mixed(key: str, tmp_path: Path) -> None:
    """A blend of two pictures belongs to neither number."""
    for number in range(60):
        (tmp_path / f"{number}.png").write_bytes(square(number % 2 == 0, number))
    rows: dict[str, list[Any]] = {"photo": [f"{number}.png" for number in range(60)]}
    rows |= {"size": [n * n % 17 / 3 for n in range(60)], "y": [n % 7 / 2 for n in range(60)]}
    pl.DataFrame(rows).write_csv(tmp_path / "table.csv")
    told = rf"'{key}' would have no effect(.|\n)*other inputs than the one picture cannot be mixed"
    with pytest.raises(RecipeError, match=told):
        fathom.plan(tmp_path / "table.csv", "y", settings={key: 0.2})


def test_mixed_batches_are_split_without_a_trace(folder: Path, tmp_path: Path) -> None:
    """But for the rounding of sums in another order."""
    settings = {**QUICK, "training.epochs": 2, "augment.mixup": 0.5, "augment.cutmix": 0.5}
    settings |= {"training.precision": "fp32", "network.pictures": "lenet"}
    losses: list[list[float]] = []
    for pieces in (1, 3):
        out = tmp_path / str(pieces)
        run = fathom.train(
            folder, out=out, settings={**settings, "training.accumulate": pieces}, watch=None
        )
        history = (run.folder / "history.jsonl").read_text().splitlines()
        losses.append([json.loads(line)["loss"] for line in history])
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_mirroring_is_tried_and_the_reason_tells_the_figures(folder: Path) -> None:
    """Left and right are the classes here, so that a mirrored picture shows the other one."""
    decided = {made.key: made for made in fathom.plan(folder)}
    assert decided["augment.flip"].value is False
    assert "is of the same class for 100 %, and only for 0 % once mirrored" in (
        decided["augment.flip"].reason
    )


def test_arrays_are_trained_from_as_they_are(tmp_path: Path) -> None:
    """Splits by name; what is answered and scored afterwards comes without and with labels."""
    rng = np.random.default_rng(3)
    arrays: dict[str, np.ndarray] = {}
    for part, num in (("train", 120), ("test", 40)):
        pixels, codes = rng.integers(0, 120, (num, 12, 14), dtype=np.uint8), np.arange(num) % 2
        pixels[codes == 0, :, :7] += np.uint8(130)
        pixels[codes == 1, :, 7:] += np.uint8(130)
        arrays |= {f"x_{part}": pixels / np.float32(255), f"y_{part}": codes}
    np.savez(tmp_path / "all.npz", **arrays)
    run = fathom.train(tmp_path / "all.npz", "y", out=tmp_path / "run", settings=QUICK, watch=None)
    assert run.score["rows"] == 40
    assert run.score["metrics"]["accuracy"]["value"] > 0.9
    np.savez(tmp_path / "new.npz", x=arrays["x_test"])
    found = fathom.predict(run, tmp_path / "new.npz").frame["y"].cast(pl.Int64).to_numpy()
    assert (found == arrays["y_test"]).mean() > 0.9
    told = [one.code for one in fathom.look(tmp_path / "all.npz").findings]
    assert "pictures_scaled" in told


def test_near_copies_never_part(tmp_path: Path) -> None:
    """Saved again under another name, a picture lands in the part that has the first one."""
    for number in range(40):
        place = tmp_path / ("left", "right")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        coarse = np.random.default_rng(number).integers(0, 255, (5, 6, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((60, 50))
        image.save(place)
        image.save(place.with_suffix(".jpg"), quality=60)
    table = fathom.read(tmp_path)
    facts = facts_of(table, Roles(targets=("class",)))
    stems = [Path(name).stem for name in table.column("image")]
    assert len(np.unique(facts.cluster)) == 40
    assert all(len(set(facts.cluster[np.array(stems) == stem])) == 1 for stem in stems)


def test_pictures_none_of_which_can_be_read_are_an_error(tmp_path: Path) -> None:
    for number in range(30):
        place = tmp_path / ("left", "right")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"no picture, but different: %d" % number)
    with pytest.raises(DataError, match=r"No picture can be read(.|\n)*no picture format"):
        fathom.plan(tmp_path)


def test_training_pictures_with_a_broken_body_are_missing(folder: Path, tmp_path: Path) -> None:
    """Their header is sound, so that only decoding shows it."""
    shutil.copytree(folder / "train", tmp_path / "train")
    whole = fathom.train(tmp_path / "train", out=tmp_path / "whole", settings=QUICK, watch=None)
    for place in sorted((tmp_path / "train" / "left").iterdir())[::4]:
        place.write_bytes(place.read_bytes()[:-100])
    run = fathom.train(tmp_path / "train", out=tmp_path / "run", settings=QUICK, watch=None)
    (column,) = run.model.preparation.inputs
    assert 5 < column.fitted.num_missing <= 15  # pyright: ignore[reportAttributeAccessIssue]
    signs = [one.model.parts[0].network.encoders["image_0"].missing for one in (whole, run)]
    assert signs == [False, True]
    assert [*load(run.folder).model.parts[0].network.state_dict()]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
@pytest.mark.parametrize("name", ["residual", "quick", "lenet", "convnext", "vit", "flat"])
def test_pictures_of_a_pixel_or_two(size: tuple[int, int], name: str, tmp_path: Path) -> None:
    for number in range(60):
        place = tmp_path / ("dark", "light")[number % 2] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        tone = number + 130 * (number % 2)
        Image.new("RGB", size, (tone, tone // 2, number)).save(place)
    settings = QUICK | {"training.epochs": 1, "network.pictures": name, "look": False}
    run = fathom.train(tmp_path, out=tmp_path / "run", settings=settings, watch=None)
    assert run.score["rows"] > 5


def test_what_cannot_be_read_is_called_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(square(True, 1))
    (tmp_path / "b.png").write_bytes(b"rubbish")
    found = fathom.predict(run, tmp_path)
    assert found.frame["unusual"].to_list() == [None, "image: cannot be read"]
    (told,) = [one for one in found.input_report if one.code == "pictures_unreadable"]
    assert told.title == "1 picture of 'image' in the given table cannot be read."


def test_one_picture_is_answered(run: Run, folder: Path, tmp_path: Path) -> None:
    place = folder / "test" / "right" / "1.png"
    frame = fathom.predict(run, place).frame
    assert frame["image"].to_list() == ["1.png"]
    assert frame["class"].to_list() == ["right"]
    (tmp_path / "a.png").write_bytes(b"rubbish")
    assert "image: " in fathom.predict(run, str(tmp_path / "a.png")).frame["unusual"][0]


def test_rows_that_leave_one_value_to_learn_from_are_told(tmp_path: Path) -> None:
    for number in range(60):
        place = tmp_path / "abc"[number % 3] / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(square(True, 1))
    with pytest.raises(DataError) as caught:
        fathom.plan(tmp_path)
    assert caught.value.what == "The rows to learn from hold a single value of the target."
    assert "are all kept for tests and choices" in str(caught.value.got)
    assert "pictures that show the same are never parted" in caught.value.do


@pytest.fixture(scope="module")
def halted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Pictures, and the run of a training that was stopped."""
    root = tmp_path_factory.mktemp("halted")
    shutil.copytree(folder, root / "pictures")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, Stopped)):
        fathom.train(root / "pictures", out=root / "run", settings=QUICK, watch=stop)
    return root / "pictures", root / "run"


def test_a_changed_picture_is_other_data(halted: tuple[Path, Path]) -> None:
    pictures, run = halted
    place = pictures / "train" / "right" / "1.png"
    before = place.read_bytes()
    place.write_bytes(square(True, 77))
    with pytest.raises(RunError, match="The data changed since this run began"):
        resume(run)
    place.write_bytes(before)
    assert resume(run).finished


def test_looks_at_test_pictures_are_counted_by_what_they_show(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FATHOM_STATE", str(tmp_path / "state"))
    looks: list[int] = []
    for turn, changed in enumerate((False, True, False)):
        place = tmp_path / f"{turn}"
        shutil.copytree(folder, place)
        if changed:
            for number, file in enumerate(sorted((place / "test").rglob("*.png"))):
                file.write_bytes(square(file.parent.name == "right", 7000 + number))
        settings = QUICK | {"seed": turn, "training.epochs": 1}
        run = fathom.train(place, out=tmp_path / f"run{turn}", settings=settings, watch=None)
        looks.append(run.score["looks"])
    assert looks == [1, 1, 2]


def test_near_copies_in_the_test_come_before_the_verdict(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for number in range(60):
        coarse = Image.fromarray(rng.integers(0, 255, (6, 7, 3), dtype=np.uint8))
        image = coarse.resize((60, 44), Image.Resampling.BICUBIC)
        side = ("left", "right")[number % 2]
        for split in ("train", "test")[: 1 + (number < 20)]:
            place = tmp_path / split / side / f"{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            image.save(place) if split == "train" else image.save(place, "JPEG", quality=80)
    run = fathom.train(tmp_path, out=tmp_path / "run", settings=QUICK, watch=None)
    told = re.match(r"(\d+) of 20 rows were seen in training", run.score["verdict"])
    assert told
    assert int(told[1]) >= 15
    assert (
        "(as pictures that show nearly the same): the score says nothing about new rows."
        in run.score["verdict"]
    )
    assert run.score["seen_in_training"] == 0


def test_layers_are_told_once_however_many_views_an_answer_sees(run: Run) -> None:
    names = [name for name, _, _ in describe_run(run).content["layers"]]
    assert len(names) == len(set(names))


def test_a_sheet_keeps_the_place_of_what_cannot_be_read(run: Run, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(
            b"rubbish" if number == 1 else square(True, number)
        )
    describe_run(run, tmp_path, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png").convert("L"))
    third = pixels.shape[1] // 3
    assert pixels[:, third + 4 : 2 * third - 4].std() == 0
    assert pixels[:, 2 * third + 4 :].std() > 5


def test_of_a_folder_with_splits_the_one_to_test_on_is_answered(run: Run, folder: Path) -> None:
    found = fathom.predict(run, folder)
    assert found.frame.height == 40
    assert "Of several splits the one to test on is taken." in [
        one.title for one in found.input_report
    ]


def test_what_was_noticed_is_kept_with_the_run(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "data")
    (tmp_path / "data" / "train" / "left" / "0.png").write_bytes(b"rubbish")
    run = fathom.train(tmp_path / "data", out=tmp_path / "run", settings=QUICK, watch=None)
    assert "pictures_unreadable" in [one.code for one in load(run.folder).findings]
