"""Promise 5 for the command: every option of every verb reaches it and changes something."""

import json
import shutil
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer

from fathom.cli.main import app

Fathom = Callable[..., Any]


@dataclass(frozen=True)
class Files:
    """A table, others of its kind, and the table without its header."""

    rows: Path
    others: Path
    more: Path
    headless: Path


def rows_of(num_rows: int, seed: int) -> pl.DataFrame:
    """Each house is seen three times, so that rows belong together; prices grow by the year."""
    draw = np.random.default_rng(seed)
    house = np.repeat(np.arange(num_rows // 3 + 1), 3)[:num_rows]
    area = draw.normal(100, 30, num_rows)
    return pl.DataFrame(
        {
            "house": [f"h{n:04d}" for n in house],
            "year": 1800 + np.arange(num_rows),
            "area": area.round(1),
            "style": draw.choice(["brick", "wood"], num_rows),
            "worth": draw.integers(1, 4, num_rows),
            "price": (2 * area + np.arange(num_rows) + draw.normal(0, 9, num_rows)).round(1),
        }
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("files")
    found = Files(*(folder / f"{name}.csv" for name in ("rows", "others", "more", "headless")))
    rows_of(211, 0).write_csv(found.rows)
    rows_of(53, 1).write_csv(found.others)
    rows_of(59, 2).with_columns(area=pl.col("area") + 1000).write_csv(found.more)
    rows_of(211, 0).write_csv(found.headless, include_header=False)
    return found


NAMES = "name,when,size,make,count,price"
# Field of `Asked` -> the option with a value; those of files are filled in below.
SHARED = {
    "target": "--target=area",
    "test": "--test={more}",
    "validation": "--validation={others}",
    "names": f"--names={NAMES}",
    "group": "--group=house",
    "time_column": "--time-column=year",
    "weight": "--weight=worth",
    "kind": "--kind=worth=category",
    "settings": "--set=network.depth=1",
    "size": "--size=large",
    "seed": "--seed=7",
}
LOOK = ("target", "test", "names", "group", "time_column", "kind")
OWN = {
    ("look", "json"),
    ("plan", "json"),
    ("plan", "output"),
    ("plan", "rates"),
    ("plan", "speed"),
    ("plan", "time"),
    # It needs a run on pictures: test_transfer.py.
    ("plan", "from_"),
    ("train", "from_"),
    ("train", "resume"),
    ("train", "out"),
    ("train", "time"),
    ("train", "json"),
    ("train", "quiet"),
    ("evaluate", "names"),
    ("evaluate", "json"),
    ("predict", "output"),
    ("predict", "names"),
    ("predict", "json"),
    ("show", "output"),
    ("show", "json"),
    ("replay", "out"),
    ("replay", "json"),
    ("replay", "quiet"),
    ("report", "open_it"),
}


def test_every_option_has_a_case() -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    found = {
        (verb, option.name)
        for verb, command in commands.items()
        for option in command.params
        if option.param_type_name == "option"
    }
    shared = {("look", name) for name in LOOK} | {
        (verb, name) for verb in ("plan", "train") for name in SHARED
    }
    assert found == shared | OWN


def option(name: str, files: Files) -> str:
    return SHARED[name].format(more=files.more, others=files.others)


@pytest.mark.parametrize(
    ("verb", "name"), [("look", name) for name in LOOK] + [("plan", name) for name in SHARED]
)
def test_a_shared_option_changes_what_is_told(
    verb: str, name: str, fathom: Fathom, files: Files
) -> None:
    table, target = (files.headless, "last") if name == "names" else (files.rows, "price")
    words = (verb, table, "-t", target, "--json")
    plain, said = fathom(*words), fathom(*words, option(name, files))
    assert (plain.code, said.code) == (0, 0)
    assert plain.out != said.out


def test_all_shared_options_reach_a_training(
    fathom: Fathom, files: Files, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    fewer = [word for word in tiny if not word.startswith(("--size", "--set=split.folds"))]
    said = [option(name, files) for name in SHARED if name not in ("names", "target")]
    place = tmp_path / "run"
    words = (files.rows, "-t", "price", "--time=100s", "--out", place, "-q", *fewer, *said)
    assert fathom("train", *words).code == 0
    record = json.loads((place / "record.json").read_text())
    told = {"group": "house", "time_column": "year", "weight": "worth", "size": "large", "seed": 7}
    told |= {"test": str(files.more), "validation": str(files.others), "network.depth": 1}
    assert told.items() <= record["decided"].items()
    assert record["kinds"] == {"worth": "category"}
    reasons = {one["key"]: one["reason"] for one in record["decisions"]}
    assert reasons["training.epochs"].endswith("fit into the 100 seconds")
    held = pl.read_parquet(place / "predictions" / "validation.parquet")
    assert len(held) == 53
    assert json.loads((place / "score.json").read_text())["rows"] == 59


def test_names_and_target_reach_a_training(
    fathom: Fathom, files: Files, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    words = (files.headless, "--target=size", "--names", NAMES, "--out", tmp_path / "run", *tiny)
    said = fathom("train", *words)
    assert said.code == 0
    assert "size: rmse" in said.out
    assert said.err.startswith("step"), "progress is told, as nobody said --quiet"


def without_header(houses: Path, place: Path, *columns: str) -> Path:
    """Some columns of the houses, in another order than the run knows."""
    pl.read_csv(houses).select(columns).write_csv(place, include_header=False)
    return place


def test_names_reach_evaluate_and_predict(
    fathom: Fathom, houses: Path, run_folder: Path, tmp_path: Path
) -> None:
    names, whole = ("style", "price", "area"), fathom("evaluate", run_folder, houses, "--json")
    file = without_header(houses, tmp_path / "evaluate.csv", *names)
    said = fathom("evaluate", run_folder, file, "--json", f"--names={','.join(names)}")
    assert said.code == 0
    assert json.loads(said.out)["metrics"] == json.loads(whole.out)["metrics"]
    answers = fathom("predict", run_folder, houses).out
    file = without_header(houses, tmp_path / "predict.csv", "style", "area")
    assert fathom("predict", run_folder, file).out != answers
    assert fathom("predict", run_folder, file, "--names", "style,area").out == answers


def test_rows_are_shown_through_a_run(
    fathom: Fathom, houses: Path, run_folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    pl.read_csv(houses)[-40:].write_csv(other)
    plain, said = fathom("show", run_folder), fathom("show", run_folder, other)
    assert (plain.code, said.code) == (0, 0)
    assert said.out != fathom("show", run_folder, houses).out
    assert said.out != plain.out


def test_replay_goes_where_it_is_sent_and_can_be_silent(
    fathom: Fathom, run_folder: Path, tmp_path: Path
) -> None:
    told = fathom("replay", run_folder, "--out", tmp_path / "one")
    silent = fathom("replay", run_folder, "--out", tmp_path / "two", "--quiet")
    assert (tmp_path / "one" / "score.json").exists()
    assert (tmp_path / "two" / "score.json").exists()
    assert told.err != ""
    assert silent.err == ""


def test_a_report_is_opened_only_when_asked(
    fathom: Fathom, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert fathom("report", run_folder).code == 0
    assert opened == []
    assert fathom("report", run_folder, "--open").code == 0
    assert opened == [(run_folder / "report.html").resolve().as_uri()]


def test_resume_goes_on_with_the_run_that_is_named(
    fathom: Fathom, run_folder: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    weights = (run / "model.safetensors").read_bytes()
    said = fathom("train", "--resume", run, "--json")
    assert said.code == 0
    assert json.loads(said.out)["target"] == "price"
    assert (run / "model.safetensors").read_bytes() == weights
    for more in (("--set", "size='small'"), ("--seed", 0), ("--time", "1s"), ("x.csv",)):
        assert fathom("train", "--resume", run, *more).code == 2
