"""Where a training ends, the terminal names what in the data may have spoilt it."""

import shutil
from pathlib import Path

import pytest

import fathom
from fathom.cli.verbs import Show, conclude


@pytest.fixture
def run(tmp_path: Path) -> fathom.Run:
    rows = [f"{n % 7},{n % 2},{'yes' if n % 2 else 'no'}" for n in range(200)]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["size,copy,answer", *rows]))
    settings = {"training.epochs": 1, "evaluate.baselines": False, "report": False}
    return fathom.train(table, "answer", out=tmp_path / "run", settings=settings, watch=None)


def test_grave_findings_and_left_out_columns_are_named(
    run: fathom.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    conclude(run, Show())
    told = capsys.readouterr().out
    assert told.startswith("In the data:\n  HIGH ")
    assert "Left out: copy (" in told
    assert "accuracy" in told


def test_quiet_keeps_to_the_score(run: fathom.Run, capsys: pytest.CaptureFixture[str]) -> None:
    conclude(run, Show(quiet=True))
    assert "In the data" not in capsys.readouterr().out


def test_a_run_that_was_not_scored_says_so(
    run: fathom.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.move(run.folder / "score.json", run.folder / "gone")
    conclude(run, Show(quiet=True))
    assert capsys.readouterr().out.startswith("The score is gone: score.json was taken from")
    shutil.move(run.folder / "predictions" / "test.parquet", run.folder / "gone too")
    conclude(run, Show(quiet=True))
    assert capsys.readouterr().out.startswith("Not scored: there were no test rows whose target is")
