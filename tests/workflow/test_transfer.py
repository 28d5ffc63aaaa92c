"""Starting from a network that has learned before: what is taken over, compared, resumed."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

import fathom
from fathom.base.errors import RecipeError, RunError
from fathom.base.files import read_sealed, write_sealed
from fathom.cli.main import app
from fathom.models.body_places import read_body
from fathom.workflow.api import resume
from fathom.workflow.run import Run
from fathom.workflow.transfer import Transfer

QUICK: dict[str, Any] = {
    "training.epochs": 3,
    "training.batch_size": 32,
    "split.folds": 0,
    "evaluate.importance": False,
}


def stripes(kind: int, seed: int, side: int) -> bytes:
    """Stripes of one of four directions, noisy."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    along = (x, y, x + y, x - y)[kind]
    pixels = 127 + 60 * np.sin(along * 1.2 + rng.uniform(0, 6)) + rng.normal(0, 25, (side, side))
    stream = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def folder_of(root: Path, kinds: tuple[int, ...], num: int, side: int) -> Path:
    for number in range(num):
        kind = kinds[number % len(kinds)]
        place = root / f"kind{kind}" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(stripes(kind, 1000 * side + number, side))
    return root


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = folder_of(tmp_path_factory.mktemp("many"), (0, 1), 200, 24)
    settings = {**QUICK, "evaluate.baselines": False}
    return fathom.train(root, out=root.parent / "first", settings=settings, watch=None)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("few"), (2, 3), 80, 40)


def train(few: Path, out: Path, first: Run, **settings: Any) -> Run:
    said = {**QUICK, "evaluate.baselines": False, "transfer.from": str(first.folder)}
    said |= {key.replace("__", "."): value for key, value in settings.items()}
    return fathom.train(few, out=out, settings=said, watch=None)


def net_of(run: Run) -> torch.nn.Module:
    return run.network.encoders["image_0"].net


def test_the_pictures_are_read_as_the_first_run_read_them(
    first: Run, few: Path, tmp_path: Path
) -> None:
    found = train(few, tmp_path / "run", first)
    ours, theirs = (
        json.loads((run.folder / "preparation.json").read_text())["parts"][0]["inputs"][0]["fitted"]
        for run in (found, first)
    )
    for name in ("height", "width", "channels", "mean", "standard_deviation", "texture"):
        assert ours[name] == theirs[name]
    assert (ours["height"], ours["count"]) == (24, 54)
    again = fathom.load(found.folder)
    assert again.score["metrics"] == found.score["metrics"]


def test_the_head_alone_leaves_every_weight_as_it_was(
    first: Run, few: Path, tmp_path: Path
) -> None:
    found = net_of(train(few, tmp_path / "run", first, transfer__learn="head")).state_dict()
    assert all(torch.equal(found[name], old) for name, old in net_of(first).state_dict().items())


def moved(run: Run, first: Run) -> dict[str, float]:
    """How far each convolution is from where it began."""
    old = dict(net_of(first).named_parameters())
    return {
        name: float(((new - old[name]).norm() / old[name].norm()).detach())
        for name, new in net_of(run).named_parameters()
        if new.ndim == 4
    }


def test_layers_that_see_first_move_least(first: Run, few: Path, tmp_path: Path) -> None:
    even = moved(train(few, tmp_path / "even", first, transfer__layer_rate=1.0), first)
    slow = moved(train(few, tmp_path / "slow", first, transfer__layer_rate=0.1), first)
    assert all(value > 0 for value in slow.values())
    low, high = "stages.0.widen.weight", "stages.2.widen.weight"
    assert slow[low] / slow[high] < 0.2 * even[low] / even[high]


def test_gradually_the_first_layers_wait(first: Run, few: Path, tmp_path: Path) -> None:
    said = {"transfer__learn": "gradual", "training__epochs": 1}
    found = train(few, tmp_path / "run", first, **said)
    layers = Transfer(body=read_body(first.folder), learn="gradual").layers(found.network)
    begins = {layer.prefix.rpartition("net.")[2]: layer.begins for layer in layers}
    assert begins == {"stages.2": 0.125, "stages.1": 0.25, "stages.0": 0.375, "patches": 0.5}
    once = train(few, tmp_path / "once", first, training__epochs=1)
    assert (
        moved(found, first)["stages.0.widen.weight"] < moved(once, first)["stages.0.widen.weight"]
    )


def test_it_is_compared_with_the_same_from_scratch(first: Run, few: Path, tmp_path: Path) -> None:
    found = train(few, tmp_path / "run", first, evaluate__baselines=True)
    assert "from_scratch" in found.score["baselines"]
    told = found.score["verdict"]
    assert f"tarting from {first.folder}" in told
    assert "the same from scratch" in told
    # Its weights were drawn, not taken over, and the pictures are read at their own size.
    ours, theirs = (
        load_file(folder / "checkpoint" / "state.safetensors")
        for folder in (found.folder, found.folder / "from_scratch")
    )
    shared = [
        name for name in ours if ours[name].shape == theirs[name].shape and ours[name].ndim == 4
    ]
    assert shared
    assert not any(torch.equal(ours[name], theirs[name]) for name in shared)
    values = found.score["baselines"]["from_scratch"]
    assert values["log_loss"]["value"] != found.score["metrics"]["log_loss"]["value"]
    without = train(few, tmp_path / "b", first, evaluate__baselines=True, transfer__compare=False)
    assert "from_scratch" not in without.score["baselines"]


def test_a_run_goes_on_though_the_first_is_gone(first: Run, few: Path, tmp_path: Path) -> None:
    lost = Path(shutil.copytree(first.folder, tmp_path / "lost"))
    whole = train(few, tmp_path / "whole", fathom.load(lost))
    half = Path(shutil.copytree(whole.folder, tmp_path / "half"))
    for name in ("model.safetensors", "score.json", "report.html", "answers.json"):
        (half / name).unlink()
    shutil.rmtree(lost)
    again = resume(half)
    assert (again.folder / "model.safetensors").read_bytes() == (
        whole.folder / "model.safetensors"
    ).read_bytes()


@pytest.fixture(scope="module", params=["convnext", "vit"])
def larger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = folder_of(tmp_path_factory.mktemp("more"), (0, 1), 100, 24)
    settings = {**QUICK, "evaluate.baselines": False, "network.pictures": request.param}
    return fathom.train(root, out=root / "run", settings=settings, watch=None)


def test_larger_networks_are_started_from_as_they_were(
    larger: Run, few: Path, tmp_path: Path
) -> None:
    """Their shape comes along, in the run's own copy too; what sees first moves least."""
    said = {"transfer__layer_rate": 0.5, "size": "small"}
    found = train(few, tmp_path / "run", larger, **said)
    assert found.model.plan.picture_shape == larger.model.plan.picture_shape
    kept, theirs = read_body(found.folder / "body"), read_body(larger.folder)
    assert kept.shape == theirs.shape == larger.model.plan.picture_shape
    assert kept.fingerprint == theirs.fingerprint
    far = moved(found, larger)
    names = [key for key in far if not key.endswith("around.weight")]
    assert far[names[0]] > 0
    last = net_of(found).layers[-2]
    old, new = (net_of(run).get_submodule(last).state_dict() for run in (larger, found))
    key = next(key for key in old if key.endswith("narrow.weight"))
    assert far[names[0]] < 0.3 * float((new[key] - old[key]).norm() / old[key].norm())


def test_a_larger_network_alone_stands_still_and_is_resumed(
    larger: Run, few: Path, tmp_path: Path
) -> None:
    whole = train(few, tmp_path / "whole", larger, transfer__learn="head")
    ours, theirs = net_of(whole).state_dict(), net_of(larger).state_dict()
    assert all(torch.equal(ours[name], old) for name, old in theirs.items())
    half = Path(shutil.copytree(whole.folder, tmp_path / "half"))
    for name in ("model.safetensors", "score.json", "report.html", "answers.json"):
        (half / name).unlink()
    again = resume(half)
    assert (again.folder / "model.safetensors").read_bytes() == (
        whole.folder / "model.safetensors"
    ).read_bytes()


def test_a_body_that_was_kept_before_shapes_had_a_name_is_read(first: Run, tmp_path: Path) -> None:
    """It calls what is now the picture_shape "residual", whichever network it is of."""
    body = read_body(first.folder)
    body.write(tmp_path / "old")
    facts = read_sealed(tmp_path / "old" / "body.json")
    facts["residual"] = facts.pop("picture_shape")
    write_sealed(tmp_path / "old" / "body.json", facts)
    found = read_body(tmp_path / "old")
    assert found.shape == body.shape
    assert found.fingerprint == body.fingerprint


def test_a_run_of_before_shapes_had_a_name_is_read(first: Run, few: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(first.folder, tmp_path / "old"))
    facts = read_sealed(old / "preparation.json")
    facts["network"]["residual"] = facts["network"].pop("picture_shape")
    write_sealed(old / "preparation.json", facts)
    assert fathom.load(old).model.plan == first.model.plan
    assert read_body(old).fingerprint == read_body(first.folder).fingerprint


def test_a_body_whose_shape_is_of_another_network_is_refused(first: Run, tmp_path: Path) -> None:
    read_body(first.folder).write(tmp_path / "old")
    facts = read_sealed(tmp_path / "old" / "body.json")
    write_sealed(tmp_path / "old" / "body.json", {**facts, "pictures": "vit"})
    with pytest.raises(RunError, match="cannot be read"):
        read_body(tmp_path / "old")


def test_what_cannot_be_started_from(first: Run, few: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no trained network(.|\n)*no such folder"):
        fathom.plan(few, settings={"transfer.from": str(tmp_path / "absent")})
    table = {"x": [n / 7 for n in range(60)], "y": [n % 11 / 3 for n in range(60)]}
    with pytest.raises(RecipeError, match=r"no effect here(.|\n)*no input is a picture"):
        fathom.plan(table, "y", settings={"transfer.from": str(first.folder)})
    with pytest.raises(RecipeError, match="no trained network was named"):
        fathom.plan(few, settings={"transfer.learn": "head"})
    with pytest.raises(RecipeError, match="it starts from is 'residual'"):
        fathom.plan(few, settings={"transfer.from": str(first.folder), "network.pictures": "lenet"})
    plain = fathom.train(
        table, "y", out=tmp_path / "plain", settings={**QUICK, "evaluate.baselines": False},
        watch=None,
    )  # fmt: skip
    with pytest.raises(RunError, match="has not seen any pictures"):
        fathom.plan(few, settings={"transfer.from": str(plain.folder)})


def test_a_mistyped_run_is_answered_with_the_nearest(tmp_path: Path) -> None:
    for name in ("photos-001", "prices-001"):
        (tmp_path / name).mkdir()
    with pytest.raises(RunError, match=r"no such folder\n(.|\n)*Did you mean 'photos-001'\?"):
        read_body(tmp_path / "photo-001")
    with pytest.raises(RunError, match=r"Name the run folder that `fathom train` wrote"):
        read_body(tmp_path / "something else")


@pytest.mark.parametrize("said", ["image:rgb", "image:48"])
def test_pictures_said_otherwise_than_the_first_run_reads_them(
    said: str, first: Run, few: Path
) -> None:
    with pytest.raises(RecipeError, match=rf"otherwise than was said(.|\n)*got: +{said}"):
        fathom.plan(few, from_=first.folder, kinds={"image": said})
    fathom.plan(few, from_=first.folder, kinds={"image": "image:grey"})


def test_a_time_that_was_given_is_for_one_training(first: Run, few: Path) -> None:
    said = {"transfer.from": str(first.folder), "time": 30}
    decided = {made.key: made for made in fathom.plan(few, settings=said)}
    assert decided["transfer.compare"].value is False
    assert "for one training" in decided["transfer.compare"].reason


def test_a_replay_names_that_the_first_run_is_another_now(
    first: Run, few: Path, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(first.folder, tmp_path / "source"))
    run = train(few, tmp_path / "run", fathom.load(source))
    assert fathom.replay(run, tmp_path / "same").verdict == "same bits"
    shutil.rmtree(source)
    other = {**QUICK, "evaluate.baselines": False, "training.epochs": 1}
    fathom.train(few, out=source, settings=other, watch=None)
    found = fathom.replay(run, tmp_path / "again")
    assert found.verdict == "differs"
    assert "the run that it started from changed" in found.reasons


def test_a_run_can_be_named_in_python(first: Run, few: Path) -> None:
    for said in (first, first.folder, str(first.folder)):
        decided = {made.key: made.value for made in fathom.plan(few, from_=said)}
        assert decided["transfer.from"] == str(first.folder)


def test_the_command_knows_it(first: Run, few: Path) -> None:
    made = CliRunner().invoke(app, ["plan", str(few), "--from", str(first.folder), "--json"])
    assert made.exit_code == 0
    decided = {item["key"]: item for item in json.loads(made.stdout)["decisions"]}
    assert decided["transfer.from"]["value"] == str(first.folder)
    assert decided["network.pictures"]["reason"] == f"that of {first.folder}, which it starts from"


def test_scored_pictures_that_the_first_run_had_learned_from_are_told(
    first: Run, few: Path, tmp_path: Path
) -> None:
    """Another seed tests other pictures of the same folder: most were trained on before."""
    folder = next(first.folder.parent.glob("many*"))
    pictures = {path.read_bytes() for path in folder.rglob("*.png")}
    assert len(pictures) == 200
    again = train(folder, tmp_path / "again", first, seed=5, evaluate__baselines=True)
    told, num = again.score["verdict"], again.score["seen_in_training"]
    assert num > again.score["rows"] / 2
    assert told.startswith(
        f"{num} of {again.score['rows']} rows were seen when {first.folder} was trained: "
        "the score says nothing about new rows. "
    )
    assert "helped" not in told
    new = train(few, tmp_path / "new", first)
    assert (new.score["seen_in_training"], "were seen" in new.score["verdict"]) == (0, False)
    # What began with the second run began with the pictures of the first.
    third = train(folder, tmp_path / "third", new, seed=5)
    assert third.score["seen_in_training"] == num
    assert f"were seen when {new.folder} was trained" in third.score["verdict"]


def test_the_comparison_stands_beside_other_doubts(first: Run, few: Path, tmp_path: Path) -> None:
    """Pictures that cannot be read say nothing against the comparison with the same rows."""
    test = folder_of(tmp_path / "test", (2, 3), 40, 32)
    for broken in sorted(test.rglob("*.png"))[2:-2]:
        broken.write_bytes(broken.read_bytes()[:40])
    settings = {**QUICK, "transfer.from": str(first.folder)}
    run = fathom.train(few, out=tmp_path / "run", test=test, settings=settings, watch=None)
    told = run.score["verdict"]
    assert told.startswith("'image' tells nothing in nearly all of these rows")
    assert f"It is not shown that starting from {first.folder} helps" in told
