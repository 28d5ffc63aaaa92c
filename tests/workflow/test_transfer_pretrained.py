"""Starting from networks of transformers: trained, kept, resumed, loaded without their folder."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

import fathom
from fathom.base.errors import MissingExtra, RecipeError
from fathom.cli.main import app
from fathom.models import body_places
from fathom.nets.pretrained import ARCHITECTURES, Pretrained
from fathom.workflow.api import resume
from fathom.workflow.run import Run
from fathom.workflow.transfer import Transfer

QUICK: dict[str, Any] = {
    "training.epochs": 1,
    "training.batch_size": 16,
    "split.folds": 0,
    "evaluate.importance": False,
    "evaluate.baselines": False,
    "report": False,
}
Tiny = Callable[..., Any]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey stripes, lying and standing, wider than high."""
    root = tmp_path_factory.mktemp("few")
    rng = np.random.default_rng(0)
    for number in range(60):
        y, x = np.mgrid[:40, :60]
        along = (x, y)[number % 2]
        pixels = 127 + 60 * np.sin(along * 1.2 + rng.uniform(0, 6)) + rng.normal(0, 20, x.shape)
        stream = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(stream, "PNG")
        place = root / "lying" if number % 2 else root / "standing"
        place.mkdir(exist_ok=True)
        (place / f"{number}.png").write_bytes(stream.getvalue())
    return root


def train(few: Path, out: Path, net: Path, **settings: Any) -> Run:
    said = {**QUICK, "transfer.from": str(net)}
    said |= {key.replace("__", "."): value for key, value in settings.items()}
    return fathom.train(few, out=out, settings=said, watch=None)


def net_of(run: Run) -> torch.nn.Module:
    return run.network.encoders["image_0"].net


def begun_again(run: Run, place: Path) -> Path:
    """A copy of it as it was before its last steps were concluded."""
    half = Path(shutil.copytree(run.folder, place))
    for name in ("model.safetensors", "score.json", "answers.json"):
        (half / name).unlink()
    return half


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_run_needs_no_folder_but_its_own(
    name: str, few: Path, tmp_path: Path, tiny_body: Tiny
) -> None:
    tiny_body(name, tmp_path / "net", head=True)
    run = train(few, tmp_path / "run", tmp_path / "net")
    shutil.rmtree(tmp_path / "net")
    assert isinstance(net_of(run), Pretrained)
    fitted = run.model.preparation.inputs[0].fitted
    assert (fitted.height, fitted.width, fitted.channels) == (32, 32, 3)
    assert (fitted.mean, fitted.standard_deviation) == ((0.5,) * 3, (0.25,) * 3)
    again = fathom.load(run.folder)
    assert isinstance(net_of(again), Pretrained)
    assert fathom.predict(again, few / "lying").frame.height == 30
    told = CliRunner().invoke(app, ["show", str(run.folder), str(few)])
    assert told.exit_code == 0
    assert "32 × 32" in told.stdout
    resumed = resume(begun_again(run, tmp_path / "half"))
    assert (resumed.folder / "model.safetensors").read_bytes() == (
        run.folder / "model.safetensors"
    ).read_bytes()


def test_a_training_that_was_killed_goes_on(few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("convnext", tmp_path / "net")
    said = {"training__epochs": 6, "training__checks": 12}
    whole = train(few, tmp_path / "whole", tmp_path / "net", **said)
    out = tmp_path / "killed"
    code = "import sys, torch, fathom.cli.main as m; torch.set_num_threads(1);"
    code += "sys.argv = ['fathom', *sys.argv[1:]]; m.run()"
    started = subprocess.Popen(
        [sys.executable, "-c", code, "train", str(whole.folder / "recipe.toml"), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 120
    while not (out / "checkpoint" / "state.safetensors").exists():
        assert started.poll() is None
        assert time.monotonic() < until
        time.sleep(0.01)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert not (out / "score.json").exists()
    shutil.rmtree(tmp_path / "net")
    assert (resume(out).folder / "model.safetensors").read_bytes() == (
        whole.folder / "model.safetensors"
    ).read_bytes()


def test_without_the_extra_a_run_says_so(
    few: Path, tmp_path: Path, tiny_body: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_body("resnet", tmp_path / "net")
    run = train(few, tmp_path / "run", tmp_path / "net")
    half = begun_again(run, tmp_path / "half")
    monkeypatch.setitem(sys.modules, "transformers", None)
    for ask in (lambda: fathom.load(run.folder).network, lambda: resume(half)):
        with pytest.raises(MissingExtra, match=r"pip install 'fathom-learn\[transformers\]'"):
            ask()


def decided(few: Path, net: Path, **settings: Any) -> dict[str, Any]:
    said = {"transfer.from": str(net), **settings}
    return {made.key: made for made in fathom.plan(few, settings=said)}


def test_what_is_decided_for_it(few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("vit", tmp_path / "net", num_hidden_layers=9)
    made = decided(few, tmp_path / "net")
    values = {key: one.value for key, one in made.items()}
    assert values["network.pictures"] == "pretrained"
    assert values["training.optimizer"] == "adamw"
    assert values["training.learning_rate"] == 1e-3
    assert "take a tenth of it" in made["training.learning_rate"].reason
    assert values["transfer.layer_rate"] == 0.9
    assert "many layers" in made["transfer.layer_rate"].reason
    assert values["transfer.compare"] is False
    assert "far more pictures" in made["transfer.compare"].reason
    assert values["network.channels"] is None
    (tmp_path / "net" / "preprocessor_config.json").unlink()
    made = decided(few, tmp_path / "net", **{"training.optimizer": "muon"})
    assert made["network.pictures"].reason == (
        f"that of {tmp_path / 'net'}, which it starts from; there is no preprocessor_config.json: "
        "32 × 32 pixels, and mean and deviation of ImageNet were supposed"
    )
    assert made["training.learning_rate"].value == 0.01


def moved(run: Run, old: dict[str, torch.Tensor], layer: str) -> float:
    """How far the weights of a layer are from where they began."""
    new = net_of(run).state_dict()
    names = [name for name in new if name.startswith(f"{layer}.") and new[name].ndim > 1]
    return float(np.mean([float((new[n] - old[n]).norm() / old[n].norm()) for n in names]))


@pytest.mark.parametrize("name", ["convnextv2", "dinov2"])
def test_how_its_layers_move(name: str, few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body(name, tmp_path / "net")
    body = body_places.read_body(tmp_path / "net")
    old = body.weights
    still = train(few, tmp_path / "head", tmp_path / "net", transfer__learn="head")
    new = net_of(still).state_dict()
    assert all(torch.equal(new[key], one) for key, one in old.items())
    first, last = net_of(still).layers[0], net_of(still).layers[-2]
    every = train(few, tmp_path / "all", tmp_path / "net", transfer__layer_rate=0.3)
    assert 0 < moved(every, old, first) < 0.3 * moved(every, old, last)
    woken = train(few, tmp_path / "gradual", tmp_path / "net", transfer__learn="gradual")
    even = train(few, tmp_path / "even", tmp_path / "net")
    assert 0 < moved(woken, old, first) < moved(even, old, first)
    # Next to new layers its own go at a tenth of their rate.
    (nearest, *_) = Transfer(body=body, layer_rate=0.3).layers(even.network)
    assert nearest.prefix == f"encoders.image_0.net.{net_of(even).layers[-1]}"
    assert nearest.factor == pytest.approx(0.03)


def test_muon_takes_it_too(few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    for name in ("vit", "convnextv2"):
        tiny_body(name, tmp_path / name)
        run = train(few, tmp_path / f"{name}-run", tmp_path / name, training__optimizer="muon")
        assert run.finished


def test_the_same_with_random_weights_beside_it(few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("resnet", tmp_path / "net")
    said = {"evaluate__baselines": True, "transfer__compare": True, "report": True}
    said |= {"training__learning_rate": 1e-9}  # each stays where it began
    run = train(few, tmp_path / "run", tmp_path / "net", **said)
    assert "from_scratch" in run.score["baselines"]
    assert "tarting from" in run.score["verdict"]
    assert "the same from scratch" in run.score["verdict"]
    # The same network with other weights.
    ours, theirs = (
        load_file(folder / "checkpoint" / "state.safetensors").values()
        for folder in (run.folder, run.folder / "from_scratch")
    )
    assert sorted(str(one.shape) for one in ours) == sorted(str(one.shape) for one in theirs)
    # Some moments are nought, and mean and deviation of the pixels are those of the body.
    wide = [one for one in ours if one.ndim == 4 and len(one) > 1 and one.any()]
    assert wide
    alike = [(one, two) for one in wide for two in theirs if one.shape == two.shape]
    assert not any(torch.allclose(one, two, rtol=1e-3, atol=0) for one, two in alike)
    without = train(few, tmp_path / "b", tmp_path / "net", evaluate__baselines=True)
    assert "from_scratch" not in without.score["baselines"]
    assert (run.folder / "report.html").exists()


def test_a_side_that_was_said_is_taken(few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    """In the form that the pictures have, and so that nothing at the edges is lost."""
    for name, size in (("vit", (40, 56)), ("convnext", (32, 64))):
        tiny_body(name, tmp_path / name)
        said = {**QUICK, "transfer.from": str(tmp_path / name)}
        kinds, out = {"image": "image:48"}, tmp_path / f"{name}-run"
        run = fathom.train(few, out=out, kinds=kinds, settings=said, watch=None)
        fitted = run.model.preparation.inputs[0].fitted
        assert (fitted.height, fitted.width) == size
        assert fathom.predict(fathom.load(out), few / "lying").frame.height == 30


def test_it_cannot_be_chosen_by_its_word(few: Path) -> None:
    with pytest.raises(RecipeError, match=r"'pretrained' is what transfer\.from brings"):
        fathom.plan(few, settings={"network.pictures": "pretrained"})


def test_a_replay_is_the_same(few: Path, tmp_path: Path, tiny_body: Tiny) -> None:
    tiny_body("dinov2_with_registers", tmp_path / "net")
    run = train(few, tmp_path / "run", tmp_path / "net", network__both_sides=True)
    assert fathom.replay(run, tmp_path / "same").verdict == "same bits"
    body = body_places.read_body(run.folder / "model.safetensors")
    again = train(few, tmp_path / "next", run.folder / "body" / "body.safetensors")
    assert body.foreign
    assert isinstance(net_of(again), Pretrained)
