"""A name that is to mean one column is not that of several, of which one would be taken."""

from pathlib import Path

import pytest

from fathom.base.errors import DataError
from fathom.tables.read import read
from fathom.workflow.api import look, train
from fathom.workflow.evaluate import evaluate
from fathom.workflow.predict import predict

TINY = {"size": "small", "training.epochs": 1.0, "split.folds": 0, "evaluate.baselines": False}


def rows(place: Path, header: str) -> Path:
    width = header.count(",") + 1
    lines = (",".join(str(n * n % (53 + c)) for c in range(width)) for n in range(1, 60))
    place.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return place


@pytest.mark.parametrize("target", ["y", "2"])
def test_two_columns_called_as_the_target(target: str, tmp_path: Path) -> None:
    path = rows(tmp_path / "rows.csv", "a,y,y")
    for verb in (look, train):
        with pytest.raises(DataError) as caught:
            verb(path, target)
        error = caught.value
        assert error.what.startswith("Several columns are called 'y'")
        assert error.where == "rows.csv"
        assert error.expected == "one column 'y'"
        assert error.got == "'y', 'y_2', after the others were renamed"
        assert "--names" in error.do


@pytest.mark.parametrize("part", ["weight", "group", "time_column"])
def test_two_columns_called_as_another_part(part: str, tmp_path: Path) -> None:
    path = rows(tmp_path / "rows.csv", "a,b,b,y")
    with pytest.raises(DataError, match="Several columns are called 'b'"):
        train(path, "y", settings={part: "b"})


def test_a_column_that_was_renamed_may_be_meant(tmp_path: Path) -> None:
    path = rows(tmp_path / "rows.csv", "a,a,y,y")
    assert look(path, "y_2").schema.roles.targets == ("y_2",)
    assert look(path, "last").schema.roles.targets == ("y_2",)
    assert look(rows(tmp_path / "b.csv", "a,a,y"), "y").schema.roles.targets == ("y",)


def test_other_rows_with_a_name_twice(tmp_path: Path) -> None:
    path = rows(tmp_path / "rows.csv", "a,b,y")
    other = rows(tmp_path / "other.csv", "a,b,y,y")
    inputs = rows(tmp_path / "inputs.csv", "a,a,b,y")
    run = train(path, "y", settings=TINY, out=tmp_path / "run")
    for rest, name in ((other, "y"), (inputs, "a")):
        for verb in (predict, evaluate):
            with pytest.raises(DataError, match=f"Several columns are called '{name}'"):
                verb(run, rest)
        with pytest.raises(DataError, match=f"Several columns are called '{name}'"):
            train(path, "y", test=rest, settings=TINY, out=tmp_path / "never")


def test_copies_that_were_there_in_training(tmp_path: Path) -> None:
    path = rows(tmp_path / "rows.csv", "a,a,y")
    run = train(path, "y", settings=TINY, out=tmp_path / "run", test=path)
    assert predict(run, path).frame.height == 59
    assert evaluate(run, path).scores


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.jsonl", '{"y": 1}\n{"y": 1, "a": 1, "y": 2}'), ("a.json", '[{"y": 1, "y": 2}]')],
)
def test_a_record_with_a_name_twice(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="the name 'y' stands twice in one record"):
        read(tmp_path / name)
