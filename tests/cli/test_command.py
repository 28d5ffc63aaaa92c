"""The command: exit codes, JSON and nothing else, errors in four beats."""

import json
import os
import shutil
import signal
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fathom.base.locks import alone_in
from fathom.cli import main
from fathom.workflow.watching import in_words

Fathom = Callable[..., Any]


def test_help_names_every_verb(fathom: Fathom) -> None:
    said = fathom("--help")
    assert said.code == 0
    for verb in (
        "look",
        "plan",
        "train",
        "evaluate",
        "predict",
        "show",
        "replay",
        "report",
        "settings",
    ):
        assert verb in said.out


@pytest.mark.parametrize(
    "words",
    [
        ("trian", "x.csv"),
        ("train", "x.csv", "--taget", "y"),
        ("predict",),
        ("train", "--resume", "r", "-t", "y"),
    ],
)
def test_a_wrong_usage_exits_with_2(words: tuple[str, ...], fathom: Fathom) -> None:
    assert fathom(*words).code == 2


def test_a_mistake_is_told_in_four_beats(fathom: Fathom, houses: Path) -> None:
    said = fathom("train", houses, "-t", "prize")
    assert said.code == 1
    assert said.err.startswith("fathom: There is no column 'prize'.")
    assert [line.split()[0] for line in said.err.splitlines()[1:]] == [
        "where:",
        "expected:",
        "got:",
        "do:",
    ]
    assert "Did you mean 'price'?" in said.err
    assert said.out == ""


def test_a_mistake_as_json(fathom: Fathom, houses: Path) -> None:
    said = fathom("train", houses, "-t", "prize", "--json")
    assert said.code == 1
    assert json.loads(said.out)["do"] == "Did you mean 'price'?"


def test_json_prints_json_and_nothing_else(
    fathom: Fathom, houses: Path, run_folder: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    calls: dict[str, tuple[object, ...]] = {
        "train": ("train", houses, "-t", "price", "--out", tmp_path / "run", *tiny),
        "look": ("look", houses, "-t", "price"),
        "plan": ("plan", houses, "-t", "price", "-o", tmp_path / "recipe.toml"),
        "evaluate": ("evaluate", run_folder, houses),
        "predict": ("predict", run_folder, houses, "-o", tmp_path / "out.csv"),
        "show": ("show", run_folder, houses),
        "table": ("show", houses),
        "replay": ("replay", run_folder, "--out", tmp_path / "again"),
    }
    found = {name: fathom(*words, "--json") for name, words in calls.items()}
    content = {name: json.loads(said.out) for name, said in found.items()}
    assert [said.code for said in found.values()] == [0] * len(calls)
    assert content["train"]["metrics"]["rmse"]["value"] > 0
    assert content["replay"]["verdict"] == "same bits"
    assert len(content["predict"]["rows"]) == 149
    assert (tmp_path / "out.csv").exists()
    assert {d["key"] for d in content["plan"]["decisions"]} >= {"target", "split.folds", "size"}


def test_a_plan_can_be_edited_and_trained(
    fathom: Fathom, houses: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.toml"
    assert fathom("plan", houses, "-t", "price", "-o", recipe, *tiny).code == 0
    recipe.write_text(recipe.read_text().replace("epochs = 2.0", "epochs = 3.0"))
    said = fathom("train", recipe, "--out", tmp_path / "run", "-q")
    assert (said.code, said.err) == (0, "")
    assert "epochs = 3.0  # said: you said so" in (tmp_path / "run" / "resolved.toml").read_text()


def test_what_held_the_training_up_is_told_in_a_line(
    fathom: Fathom, houses: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    told = fathom("train", houses, "-t", "price", *tiny, "--out", tmp_path / "told")
    sentence = json.loads((tmp_path / "told" / "record.json").read_text())["speed"]["sentence"]
    assert [line for line in told.out.splitlines() if line.startswith("Speed: ")] == [
        f"Speed: {sentence}"
    ]
    silent = fathom("train", houses, "-t", "price", *tiny, "--out", tmp_path / "silent", "-q")
    assert "Speed: " not in silent.out


def test_a_plan_holds_every_decision_and_its_reason(
    fathom: Fathom, houses: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    """What was said as settings; the rest as comments, which are settings without their "#"."""
    recipe, whole = tmp_path / "recipe.toml", tmp_path / "whole.toml"
    words = ("plan", houses, "-t", "price", "--kind=style=flag", *tiny)
    assert fathom(*words, "-o", recipe).code == 0
    made = json.loads(fathom(*words, "--json").out)
    text = recipe.read_text()
    for one in made["decisions"]:
        if one["value"] is not None:
            last = one["key"].rpartition(".")[2]
            assert any(last in line and one["reason"] in line for line in text.splitlines()), last
    said = tomllib.loads(text)
    assert said["columns"] == {"style": "flag"}
    assert set(said["training"]) == {"epochs"}
    bare = [line.removeprefix("# ") if "  # " in line else line for line in text.splitlines()]
    whole.write_text("\n".join(bare))
    assert tomllib.loads(whole.read_text())["training"].keys() > {"epochs", "learning_rate"}
    for number, file in enumerate((recipe, whole)):
        assert fathom("train", file, "--out", tmp_path / str(number), "-q").code == 0
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("0", "1"))
    assert first == second


def test_resolved_toml_trains_the_same_model(
    fathom: Fathom, run_folder: Path, tmp_path: Path
) -> None:
    said = fathom("train", run_folder / "resolved.toml", "--out", tmp_path / "again", "-q")
    assert (said.code, said.err) == (0, "")
    first, second = (
        (folder / "model.safetensors").read_bytes() for folder in (run_folder, tmp_path / "again")
    )
    assert first == second


def test_the_strongest_baseline_is_named_and_why(
    fathom: Fathom, houses: Path, run_folder: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    words = [word for word in tiny if "baselines" not in word]
    said = fathom("train", houses, "-t", "price", "-q", "--out", tmp_path / "run", *words)
    strongest = json.loads((tmp_path / "run" / "score.json").read_text())["strongest_baseline"]
    assert f"  {strongest} (the strongest on the validation rows): " in said.out
    assert said.out.count("the strongest on the validation rows") == 1
    assert "strongest" not in fathom("evaluate", run_folder, houses).out


def test_what_was_typed_is_kept(run_folder: Path) -> None:
    record = json.loads((run_folder / "record.json").read_text())
    assert record["command"].startswith("fathom train ")
    assert "-t price" in record["command"]


def test_predictions_go_where_they_are_sent(
    fathom: Fathom, run_folder: Path, houses: Path, tmp_path: Path
) -> None:
    printed = fathom("predict", run_folder, houses)
    names = printed.out.splitlines()[0].split(",")
    assert (names[:2], names[-1]) == (["row", "price"], "unusual")
    assert len(printed.out.splitlines()) == 150
    assert fathom("predict", run_folder, houses, "-o", tmp_path / "a.csv").code == 0
    assert (tmp_path / "a.csv").read_text() == printed.out
    assert fathom("predict", run_folder, houses, "-o", tmp_path / "a.xls").code == 1
    odd = tmp_path / "odd.csv"
    odd.write_text("area,style\n100,brick\n100,straw\n9e9,brick\n")
    said = fathom("predict", run_folder, odd, "-o", tmp_path / "b.csv")
    told = (
        f"3 rows written to {tmp_path / 'b.csv'}; 2 of them unlike the training rows, see 'unusual'"
    )
    assert said.err.splitlines()[-1] == told
    lines = (tmp_path / "b.csv").read_text().splitlines()
    assert lines[2].endswith(",style: unseen word")
    assert lines[1].endswith(","), "an empty cell, not a pair of quotes"


def test_a_taken_folder_is_refused_before_anything_is_read(
    fathom: Fathom, run_folder: Path
) -> None:
    said = fathom("train", "no such file.csv", "-t", "y", "--out", run_folder)
    assert said.code == 1
    assert "The run folder is taken." in said.err
    assert "got:      a finished run\n" in said.err
    assert "--resume" not in said.err


def test_an_unfinished_run_may_be_ended_but_not_with_other_wishes(
    fathom: Fathom, run_folder: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "my run"
    begun.mkdir()
    shutil.copy(run_folder / "recipe.toml", begun)
    said = fathom("train", "no such file.csv", "-t", "y", "--out", begun)
    assert said.code == 1
    assert "got:      an unfinished run\n" in said.err
    end = f"to end the run that was begun there: fathom train --resume '{begun}'"
    assert f"do:       Choose another --out; {end}" in said.err


def test_devices_and_links_into_nothing_are_no_run_folders(fathom: Fathom, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone" / "run")
    for place, got, do in (
        ("/dev/null", "a pipe or a device", "Choose another --out."),
        (
            link,
            "a link to a place that does not exist",
            "Choose another --out, or remove the link.",
        ),
    ):
        said = fathom("train", "rows.csv", "-t", "y", "--out", place)
        assert said.code == 1
        assert f"got:      {got}\n" in said.err
        assert f"do:       {do}\n" in said.err


def test_a_file_is_no_run_to_go_on_with(fathom: Fathom, tmp_path: Path) -> None:
    taken = tmp_path / "notes.txt"
    taken.write_text("mine")
    said = fathom("train", "rows.csv", "-t", "y", "--out", taken)
    assert said.code == 1
    assert "got:      a file" in said.err
    assert "do:       Choose another --out." in said.err
    assert taken.read_text() == "mine"


def test_a_place_that_cannot_be_written_to(
    fathom: Fathom, houses: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("here")
    for place in (blocked / "run", Path("/proc/run")):
        said = fathom("train", houses, "-t", "price", "--out", place, "-q", *tiny)
        assert said.code == 1
        assert "could not be written" in said.err


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--set=training.learing_rate=1", "Did you mean 'training.learning_rate'?"),
        ("--set=training.epochs", "needs a name and a value"),
        ("--set=training.epochs=many", "wrong type"),
        ("--set=training.epochs=-3", "out of its range"),
        ("--set=network.activation=rela", "relu"),
        ("--set=network.norm=bach", "batch"),
        ("--set=network.initialisation=heh", "he"),
        ("--set=training.optimizer=adamx", "adam"),
        ("--set=training.schedule=cosin", "cosine"),
        ("--set=evaluate.metric=rmsee", "rmse"),
        ("--size=huge", "'small', 'medium', 'large'"),
        ("--kind=area=nummber", "number"),
        ("--kind=aria=number", "Did you mean 'area'?"),
        ("--time=soon", "not a length of time"),
        ("--group=stile", "Did you mean 'style'?"),
    ],
)
def test_a_wish_that_cannot_be_is_an_error(
    option: str, told: str, fathom: Fathom, houses: Path, tmp_path: Path
) -> None:
    said = fathom("train", houses, "-t", "price", option, "--out", tmp_path / "run", "-q")
    assert said.code == 1
    assert told in said.err
    assert not (tmp_path / "run").exists()


def test_ctrl_c_leaves_a_checkpoint_and_exits_with_130(
    fathom: Fathom, houses: Path, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    place = tmp_path / "run"
    long = [word.replace("epochs=2.0", "epochs=90000.0") for word in tiny]

    def stop() -> None:
        for _ in range(9000):  # minutes, on a machine with much other work
            if (place / "history.jsonl").exists() or (place / "record.json").exists():
                time.sleep(0.3)
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.02)

    thread = threading.Thread(target=stop)
    thread.start()
    said = fathom("train", houses, "-t", "price", "--out", place, "-q", *long)
    thread.join()
    assert said.code == 130
    assert "--resume" in said.err
    assert (place / "checkpoint" / "state.safetensors").exists()
    for words in (("predict", place, houses), ("evaluate", place, houses), ("report", place)):
        early = fathom(*words)
        assert (early.code, early.out) == (1, "")
        assert "This run is unfinished" in early.err
        assert f"fathom train --resume {place}" in early.err
    assert "Traceback" not in said.err


def test_settings_are_listed(fathom: Fathom) -> None:
    said = fathom("settings")
    assert said.code == 0
    assert len(said.out.splitlines()) > 50


def test_report_says_where_it_lies(fathom: Fathom, run_folder: Path) -> None:
    assert fathom("report", run_folder).out.strip() == str(run_folder / "report.html")
    assert fathom("report", run_folder / "nothing").code == 1


def test_a_run_without_a_report_says_so(
    fathom: Fathom, houses: Path, tiny: tuple[str, ...], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said = fathom("train", houses, "--target", "price", "--out", run, *tiny, "--set=report=false")
    assert said.code == 0
    assert f"Run: {run}" in said.out
    assert "Report: " not in said.out
    said = fathom("report", run)
    assert said.code == 1
    assert "This run has no report." in said.err
    assert "report = false in its recipe" in said.err
    assert "Train again without report = false" in said.err


def test_seconds_in_words() -> None:
    assert [in_words(s) for s in (0.2, 59.6, 3600)] == ["0 s", "1 min 0 s", "60 min 0 s"]


@pytest.mark.parametrize(("running", "busy"), [("1/80", False), ("9999/10000", True)])
def test_a_machine_is_busy_when_others_run_now(
    running: str, busy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = tmp_path / "loadavg"
    load.write_text(f"99.0 99.0 99.0 {running} 467\n")
    monkeypatch.setattr(main, "_LOAD", load)
    assert main._busy() is busy
    monkeypatch.setattr(main, "_LOAD", tmp_path / "absent")
    assert not main._busy()


def test_a_table_is_never_written_over(fathom: Fathom, houses: Path, tmp_path: Path) -> None:
    table = tmp_path / "houses.csv"
    table.write_bytes(houses.read_bytes())
    for option in ("--output", "--rates"):
        said = fathom("plan", table, "-t", "price", option, table)
        assert said.code == 1
        assert "A table that is read would be written over." in said.err
        assert f"Choose another name for {option}." in said.err
    assert table.read_bytes() == houses.read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--set", "training.epochs=2", "--set", "training.epochs=3"),
            "'training.epochs' was said",
        ),
        (("--kind", "style=flag", "--kind", "style=category"), "'style' was said twice"),
        (("--set", "training.accumulate=1000000000"), "cut into more pieces than it has rows"),
        (("--set", f"seed={'9' * 400}"), "a number of 1,329 bits"),
    ],
)
def test_words_that_cannot_be_meant(
    words: tuple[str, ...], told: str, fathom: Fathom, houses: Path, tmp_path: Path
) -> None:
    said = fathom("train", houses, "-t", "price", "--out", tmp_path / "run", *words)
    assert (said.code, said.out) == (1, "")
    assert told in said.err


def test_a_finished_run_is_not_scored_again(fathom: Fathom, run_folder: Path) -> None:
    before = (run_folder / "report.html").stat().st_mtime_ns
    said = fathom("train", "--resume", run_folder)
    assert said.code == 0
    assert said.err.startswith("This run is finished; nothing was left to be done.")
    assert "Report: " in said.out
    assert (run_folder / "report.html").stat().st_mtime_ns == before


def test_two_processes_never_work_in_one_run(
    fathom: Fathom, run_folder: Path, tmp_path: Path
) -> None:
    unfinished = tmp_path / "run"
    shutil.copytree(run_folder, unfinished)
    (unfinished / "MODEL_CARD.md").unlink()
    with alone_in(unfinished):
        said = fathom("train", "--resume", unfinished)
    assert said.code == 1
    assert "Another process is at work in this run folder." in said.err
    assert fathom("train", "--resume", unfinished).code == 0
