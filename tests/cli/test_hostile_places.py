"""Files, folders and settings that nobody would wish for, after an attack by hand."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

Fathom = Callable[..., Any]
NUM = 89


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    draw = np.random.default_rng(1)
    path = tmp_path / "rows.csv"
    pl.DataFrame({"a": draw.normal(size=NUM), "y": draw.normal(size=NUM)}).write_csv(path)
    return path


@pytest.fixture
def trained(rows: Path, fathom: Fathom, tiny: tuple[str, ...], tmp_path: Path) -> Path:
    said = fathom("train", rows, "-t", "y", "--out", tmp_path / "run", "-q", *tiny)
    assert said.code == 0, said.err
    return tmp_path / "run"


def test_answers_do_not_replace_the_rows_that_were_asked(
    trained: Path, rows: Path, fathom: Fathom, tmp_path: Path
) -> None:
    before = rows.read_bytes()
    link = tmp_path / "link.csv"
    link.symlink_to(rows)
    for place in (rows, link):
        said = fathom("predict", trained, rows, "-o", place)
        assert said.code == 1
        assert "A table that is read would be written over" in said.err
    assert rows.read_bytes() == before


def test_weights_that_were_changed_answer_nothing(
    trained: Path, rows: Path, fathom: Fathom
) -> None:
    place = trained / "model.safetensors"
    content = bytearray(place.read_bytes())
    content[-20] ^= 1
    place.write_bytes(content)
    said = fathom("predict", trained, rows)
    assert said.code != 0
    assert "not those that were saved" in said.err
    assert "restore it, or train again" in said.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("place", ["pipe.csv", "/dev/zero", "/dev/urandom"])
@pytest.mark.parametrize(
    "words",
    [
        ("look", "{place}"),
        ("look", "{rows}", "--test={place}"),
        ("look", "{rows}", "--names={place}"),
        ("train", "{place}", "-t", "y"),
        ("train", "{rows}", "-t", "y", "--test={place}"),
        ("train", "{rows}", "-t", "y", "--validation={place}"),
        ("train", "{rows}", "-t", "y", "--set=test={place}"),
        ("train", "recipe.toml"),
        ("show", "{place}"),
        ("predict", "{run}", "{place}"),
        ("predict", "{run}", "{rows}", "--names={place}"),
        ("evaluate", "{run}", "{place}"),
        ("show", "{run}", "{place}"),
    ],
)
def test_a_pipe_or_a_device_is_not_waited_for(
    words: tuple[str, ...],
    place: str,
    run_folder: Path,
    rows: Path,
    fathom: Fathom,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.csv")
    Path("recipe.toml").write_text(f'data = "{place}"\ntarget = "y"\n')
    said = fathom(*(word.format(place=place, rows=rows, run=run_folder) for word in words))
    assert said.code == 1
    assert "a pipe or a device" in said.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_recipe_that_is_a_pipe(fathom: Fathom, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "recipe.toml")
    said = fathom("train", tmp_path / "recipe.toml")
    assert said.code == 1
    assert "a pipe or a device" in said.err


def test_many_names_are_no_path(fathom: Fathom, rows: Path) -> None:
    said = fathom("look", rows, "--names", ",".join(f"name_{n}" for n in range(99)))
    assert said.code == 1
    assert "The names do not fit the table." in said.err


def test_names_of_rows_may_have_gaps(fathom: Fathom, tmp_path: Path) -> None:
    lines = [f"{'' if n % 2 else f'id{n:04d}'},{n % 7},{n * 0.37 % 5:.3f}" for n in range(120)]
    (tmp_path / "gaps.csv").write_text("id,a,y\n" + "\n".join(lines) + "\n")
    said = fathom("look", tmp_path / "gaps.csv", "-t", "y")
    assert said.code == 0, said.err


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("encoding=rot13", "'rot13' is not an encoding of texts"),
        ("training.epochs=1e308", "out of its range"),
        ("training.learning_rate=1e308", "out of its range"),
    ],
)
def test_wishes_that_cannot_be(
    wish: str, told: str, rows: Path, fathom: Fathom, tmp_path: Path
) -> None:
    said = fathom("train", rows, "-t", "y", "--set", wish, "--out", tmp_path / "run")
    assert said.code == 1
    assert told in said.err


@pytest.mark.parametrize("text", ['{"a": ' + "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_json_that_cannot_be_read(text: str, fathom: Fathom, tmp_path: Path) -> None:
    (tmp_path / "deep.jsonl").write_text(text + "\n")
    said = fathom("look", tmp_path / "deep.jsonl")
    assert said.code == 1
    assert "deep.jsonl" in said.err


@pytest.mark.parametrize("key", ["data", "test", "validation", "encoding"])
def test_a_recipe_with_null_characters(
    key: str, rows: Path, fathom: Fathom, tmp_path: Path
) -> None:
    said = {"data": str(rows), "target": "y", key: r"\u0000"}
    text = "\n".join(f'{name} = "{value}"' for name, value in said.items())
    (tmp_path / "recipe.toml").write_text(text)
    said = fathom("plan", tmp_path / "recipe.toml")
    assert said.code == 1
    told = "There is no encoding of that name." if key == "encoding" else "are no letters"
    assert told in said.err
    assert "do:" in said.err


def test_a_recipe_that_is_too_deep(fathom: Fathom, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("a = " + "[" * 5000)
    said = fathom("train", tmp_path / "recipe.toml")
    assert said.code == 1
    assert "The recipe cannot be read" in said.err


def test_a_run_folder_whose_name_is_too_long(rows: Path, fathom: Fathom, tmp_path: Path) -> None:
    said = fathom("train", rows, "-t", "y", "--out", tmp_path / ("x" * 300), "-q")
    assert said.code == 1
    assert "File name too long" in said.err


def test_memory_that_ran_out_is_told(
    fathom: Fathom, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("fathom.cli.verbs.look", greedy)
    said = fathom("look", rows)
    assert said.code == 1
    assert said.err.startswith("fathom: Memory ran out.")
    assert "do:" in said.err


def test_a_fault_of_ours_is_told_in_two_lines(tmp_path: Path) -> None:
    """In a process of its own: hooks for what nobody caught act there only."""
    program = (
        "import sys; from fathom.cli import main, verbs\n"
        "def broken(*_): raise ZeroDivisionError('by design')\n"
        "verbs.settings = broken\n"
        "sys.argv = ['fathom', 'settings']; main.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "a fault of fathom itself: ZeroDivisionError: by design" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["preparation.json", "answers.json", "record.json"])
@pytest.mark.parametrize(("old", "new"), [(": [", ': 7, "x": ['), (": 0", ": 1000000000000")])
def test_a_run_whose_files_were_edited_answers_nothing(
    name: str, old: str, new: str, trained: Path, rows: Path, fathom: Fathom
) -> None:
    place = trained / name
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new, 1), encoding="utf-8")
    for words in (("predict", trained, rows), ("evaluate", trained, rows)):
        said = fathom(*words)
        assert said.code == 1
        assert "A file of the run is not as it was written." in said.err
        assert name in said.err
        assert "restore it, or train again" in said.err


def test_thresholds_of_another_model_are_refused(
    trained: Path, run_folder: Path, rows: Path, fathom: Fathom
) -> None:
    content = (run_folder / "answers.json").read_bytes()
    (trained / "answers.json").write_bytes(content)
    said = fathom("predict", trained, rows)
    assert said.code == 1
    assert "are those of another model" in said.err


def test_a_name_too_long_is_no_run(fathom: Fathom, rows: Path) -> None:
    for words in (("report", "x" * 300), ("predict", "x" * 300, rows)):
        said = fathom(*words)
        assert said.code == 1
        assert "There is no run here." in said.err


@pytest.mark.parametrize(
    ("option", "wish"),
    [
        ("", "data=other.csv"),
        ("--test=one.csv", "test=two.csv"),
        ("--validation=one.csv", "validation=two.csv"),
        ("--target=y", "target=a"),
        ("--names=a,y", "names=b,y"),
        ("--group=a", "group=y"),
        ("--time-column=a", "time_column=y"),
        ("--weight=a", "weight=y"),
        ("--size=small", "size=large"),
        ("--seed=1", "seed=2"),
        ("--time=5s", "time=6"),
    ],
)
def test_nothing_is_said_twice(
    option: str, wish: str, rows: Path, fathom: Fathom, tmp_path: Path
) -> None:
    target = [] if "target" in option else ["-t", "y"]
    more = [option] if option else []
    said = fathom("train", rows, *target, *more, "--set", wish, "--out", tmp_path / "run", "-q")
    key, _, value = wish.partition("=")
    assert said.code == 1
    assert f"The setting '{key}' was said twice." in said.err
    assert f"'{value}'" in said.err.replace("6.0", "6")
    assert (option.partition("=")[2].removesuffix("s") or str(rows)) in said.err
    assert not (tmp_path / "run").exists()


def test_kinds_are_no_setting(rows: Path, fathom: Fathom) -> None:
    said = fathom("train", rows, "-t", "y", "--set", "columns.a=number")
    assert said.code == 1
    assert "--kind COLUMN=KIND" in said.err


def test_a_recipe_is_looked_at_through_its_data(rows: Path, fathom: Fathom, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(f'data = "{rows}"\ntarget = "y"\n')
    assert fathom("look", tmp_path / "recipe.toml").out == fathom("look", rows, "-t", "y").out


def test_a_network_larger_than_memory(rows: Path, fathom: Fathom, tmp_path: Path) -> None:
    wish = "network.width=999999999999"
    said = fathom("train", rows, "-t", "y", "--set", wish, "--out", tmp_path / "run", "-q")
    assert said.code == 1
    assert "Memory ran out." in said.err
    assert "a smaller network" in said.err


def test_names_too_long_for_a_file(rows: Path, run_folder: Path, fathom: Fathom) -> None:
    for words in (("show", "x" * 300), ("predict", run_folder, rows, "-o", f"{'x' * 300}.csv")):
        said = fathom(*words)
        assert said.code == 1
        assert "File name too long" in said.err
        assert "do:" in said.err


def test_names_that_are_no_text(rows: Path, fathom: Fathom, tmp_path: Path) -> None:
    odd = tmp_path / "b\udcff.csv"
    try:
        odd.write_bytes(rows.read_bytes())
    except OSError:
        pytest.skip("this file system takes texts only")
    for words in (
        ("look", odd),
        ("train", odd, "-t", "y", "-q"),
        ("train", rows, "-t", "y", "--out", tmp_path / "run\udcff", "-q"),
    ):
        said = fathom(*words)
        assert said.code == 1
        assert "bytes that are no letters" in said.err


def test_few_letters_and_a_full_disk(tmp_path: Path) -> None:
    """In a process of its own, whose letters and output are other ones."""
    (tmp_path / "a.csv").write_text("größe,色\n" + "1.5,红\n2.5,蓝\n" * 30, encoding="utf-8")
    words = [sys.executable, "-m", "fathom", "look", str(tmp_path / "a.csv")]
    few = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(words, capture_output=True, check=False, env=few)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"gr\xf6\xdfe" in done.stdout
    if Path("/dev/full").exists():
        with open("/dev/full", "w") as full:
            done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False)
        assert b"cannot be used" in done.stderr
        assert b"No space left" in done.stderr
