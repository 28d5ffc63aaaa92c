"""`fathom plan --rates` and `--speed`: what is measured before a training."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fathom.cli import verbs
from fathom.workflow import engine_speeds
from fathom.workflow.engine_speeds import Speed

Fathom = Callable[..., Any]


def test_the_command_that_is_printed_trains(
    fathom: Fathom, houses: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    page = tmp_path / "rates.html"
    options = (*tiny, "--set=training.batch_size=11", "--set=training.learning_rate=3")
    said = fathom("plan", houses, "-t", "price", "--rates", page, *options)
    assert said.code == 0
    assert "learning_rate = 3" in said.out, "what is printed to stdout is the plan, nothing else"
    assert "Suggested" not in said.out
    assert "<svg" in page.read_text(encoding="utf-8")
    lines = said.err.splitlines()
    assert lines[0].startswith("Suggested learning rate: ")
    assert f"Picture: {page}" in lines
    rate = lines[0].split()[3].rstrip(";")
    words = shlex.split(next(one for one in lines if "Train with it: " in one).partition(": ")[2])
    assert words[:2] == ["fathom", "train"]
    assert words[-2:] == ["--set", f"training.learning_rate={rate}"]
    assert "training.learning_rate=3" not in words
    out = tmp_path / "run"
    assert fathom(*words[1:], "--out", out, "-q").code == 0
    decided = json.loads((out / "record.json").read_text())["decided"]
    assert decided["training.learning_rate"] == float(rate)
    assert decided["training.batch_size"] == 11


def test_json_holds_the_rates_and_nothing_else(
    fathom: Fathom, houses: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    said = fathom("plan", houses, "-t", "price", "--rates", tmp_path / "r.html", "--json", *tiny)
    rates = json.loads(said.out)["rates"]
    assert len(rates["rates"]) == len(rates["losses"]) == len(rates["smoothed"]) >= 20
    assert rates["rates"][0] == 1e-6
    assert "rates" not in json.loads(fathom("plan", houses, "-t", "price", "--json", *tiny).out)


def test_a_place_that_cannot_be_written_is_told(
    fathom: Fathom, houses: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "rates.html"
    said = fathom("plan", houses, "-t", "price", "--rates", place, *tiny)
    assert said.code == 1
    assert "A file could not be written." in said.err


def test_speeds_are_told_beside_the_plan(
    fathom: Fathom, houses: Path, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_speeds, "_SECONDS", 0.01)
    monkeypatch.setattr(engine_speeds, "_choices", lambda *_: [{}, {"training.fused": False}])
    said = fathom("plan", houses, "-t", "price", "--speed", *tiny)
    assert said.code == 0
    assert "\nfused = true" in said.out
    waiting, lines = said.err.splitlines()[:3], said.err.splitlines()[3:]
    assert waiting == [
        "First steps, 1 of 2: the plan as it stands …",
        "First steps, 2 of 2: training.fused=false …",
        "All 2 in turn, 3 rounds …",
    ]
    assert lines[0] == "examples a second   against the plan   with"
    assert lines[1].endswith("1.00   the plan as it stands")
    assert lines[2].endswith("training.fused=false")
    told = json.loads(fathom("plan", houses, "-t", "price", "--speed", "--json", *tiny).out)
    assert [one["settings"] for one in told["speeds"]] == [{}, {"training.fused": False}]
    assert "examples a second" not in fathom("plan", houses, "-t", "price", *tiny).err


def test_what_was_measured_is_held_to_in_a_written_recipe(
    fathom: Fathom,
    houses: Path,
    tmp_path: Path,
    tiny: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured(*_: object) -> list[Speed]:
        return [Speed({}, 100.0, 0.5), Speed({"training.fused": False}, 1000.0, 0.5)]

    monkeypatch.setattr(verbs, "speeds_of", measured)
    recipe = tmp_path / "recipe.toml"
    asked = ("plan", houses, "-t", "price", *tiny, "--output", recipe)
    assert fathom(*asked).code == 0
    assert "\n# fused = true" in recipe.read_text()
    assert fathom(*asked, "--speed").code == 0
    held = next(line for line in recipe.read_text().splitlines() if line.startswith("fused"))
    assert re.fullmatch(
        r"fused = false  # measured here: \d+ s of training with false, \d+ s with true", held
    )
    out = tmp_path / "run"
    assert fathom("train", recipe, "--out", out).code == 0
    assert "fused = false" in (out / "recipe.toml").read_text()


def test_a_time_is_measured_for_a_plan(
    fathom: Fathom, houses: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    """As for a training: the seconds stay in a written recipe, the passes are told as a comment."""
    recipe, page = tmp_path / "recipe.toml", tmp_path / "rates.html"
    said = fathom("plan", houses, "-t", "price", *tiny, "--time=100s", "-o", recipe)
    assert said.code == 0
    assert "fit into the 100 seconds" in said.out
    lines = recipe.read_text().splitlines()
    assert [line.split("  #")[0] for line in lines if line.startswith("time")] == ["time = 100.0"]
    short = fathom("plan", houses, "-t", "price", *tiny, "--time=0.01s", "--json")
    made = {one["key"]: one for one in json.loads(short.out)["decisions"]}
    assert made["training.epochs"]["value"] < 2
    assert "0.01 s hold" in made["training.epochs"]["reason"]
    told = fathom("plan", houses, "-t", "price", *tiny, "--time=100s", "--rates", page)
    assert "--time 100s" in told.err
    wrong = fathom("plan", houses, "-t", "price", "--time=soon")
    assert wrong.code == 1
    assert "The budget is not a length of time." in wrong.err
