"""A score on rows that were trained on says so, whatever file they come from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from fathom.base.errors import RunError
from fathom.tables.read import read
from fathom.workflow.evaluate import evaluate
from fathom.workflow.run import Run
from fathom.workflow.seen import FILE, Seen, read_seen

Train = Callable[..., Run]
Make = Callable[..., pl.DataFrame]


def test_the_training_file_gives_itself_away(dear_run: Run, table: pl.DataFrame) -> None:
    pool = table.height - pl.read_parquet(dear_run.folder / "predictions/test.parquet").height
    found = evaluate(dear_run, table.drop("price", "worth")).to_dict()
    assert found["seen_in_training"] == pool
    assert found["verdict"].startswith(
        f"{pool} of 211 rows were seen in training: the score says nothing about new rows. "
    )
    assert "other rows of the kind" not in found["verdict"]


def test_new_rows_are_not_called_seen(dear_run: Run, make_houses: Make) -> None:
    news = make_houses(97, seed=5)
    found = evaluate(dear_run, news).to_dict()
    assert found["seen_in_training"] == 0
    assert not any("seen in training" in note for note in found["notes"])
    test = pl.read_parquet(dear_run.folder / "predictions" / "test.parquet")["row"].to_numpy()
    held = make_houses(211)[test - 1]
    assert evaluate(dear_run, held).to_dict()["seen_in_training"] == 0, "tested, not trained on"


@pytest.mark.parametrize("count", [1, 20])
def test_some_old_rows_among_new_ones(count: int, dear_run: Run, make_houses: Make) -> None:
    """One of 121 is a note, 20 of 140 belong into the verdict."""
    trained = pl.read_parquet(dear_run.folder / "predictions" / "validation.parquet")["row"]
    old = make_houses(211)[trained.to_numpy()[:count] - 1]
    found = evaluate(dear_run, pl.concat([make_houses(120, seed=6), old])).to_dict()
    told = f"{count} of {120 + count} rows were seen in training: the score looks better than"
    assert found["seen_in_training"] == count
    assert found["verdict"].startswith(told) == (count == 20)
    assert any(note.startswith(told) for note in found["notes"]) == (count == 1)


def test_the_same_rows_in_another_spelling(
    dear_run: Run, table: pl.DataFrame, tmp_path: Path
) -> None:
    """Other types, order of rows and columns, capitals, a new column: the rows are the same."""
    expected = evaluate(dear_run, table).to_dict()["seen_in_training"]
    other = (
        table.with_columns(
            pl.col("style").str.to_uppercase(),
            pl.col("area").map_elements(lambda x: f"{x:.4f}", pl.String),
            dear=pl.col("dear") + ".",
            new=pl.lit(1),
        )
        .select(reversed([*table.columns, "new"]))
        .reverse()
    )
    other.write_parquet(tmp_path / "rows.parquet")
    assert evaluate(dear_run, tmp_path / "rows.parquet").to_dict()["seen_in_training"] == expected
    flipped = table.with_columns(
        dear=pl.when(pl.col("dear") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    )
    assert evaluate(dear_run, flipped).to_dict()["seen_in_training"] == 0, "another truth"


def test_few_different_values_are_told_as_such(small_train: Train) -> None:
    """Rows of three words each agree without being copies."""
    draw = np.random.default_rng(0)

    def rows(num: int) -> pl.DataFrame:
        words = {name: draw.choice(["a", "b"], num) for name in ("x", "y", "z")}
        return pl.DataFrame({**words, "out": np.where(words["x"] == "a", "yes", "no")})

    run = small_train(rows(300), "out", {"prepare.drop_leaks": False, "network.number_dim": None})
    verdict = evaluate(run, rows(200)).to_dict()["verdict"]
    told = "rows equal rows of the training; with so few different values they may be others"
    assert " of 200 " + told in verdict.partition(". ")[0]


def test_a_test_file_with_training_rows_is_told_in_the_verdict(
    make_houses: Make, small_train: Train
) -> None:
    rows, others = make_houses(211).drop("dear"), make_houses(53, seed=1).drop("dear")
    many = small_train(rows, test=pl.concat([others, rows[:17]]))
    told = "17 of 70 rows were seen in training: the score looks better than it is on new rows."
    assert many.score["verdict"].startswith(told)
    assert many.score["seen_in_training"] == 17
    page = many.report.read_text("utf-8")
    assert told in page
    assert " test rows stand in the training rows too" in page, "the finding"
    assert ">Better than the baselines" not in page
    few = small_train(rows, test=pl.concat([others, rows[:5]]))
    assert "seen in training" not in few.score["verdict"]
    assert any(note.startswith("5 of 58 rows were seen") for note in few.score["notes"])
    plain = small_train(rows, test=others)
    assert plain.score["seen_in_training"] == 0


def test_several_targets_are_all_in_the_verdict(make_houses: Make, small_train: Train) -> None:
    run = small_train(make_houses(241).drop("worth"), "price,dear")
    for content in (run.score, evaluate(run, make_houses(97, seed=5)).to_dict()):
        assert " of 2 targets. price: " in content["verdict"]
        assert "; dear: " in content["verdict"]
        first = content["targets"][0]["verdict"]
        assert first != content["verdict"]
        assert "dear" not in first
    assert "; dear: " in repr(run)
    assert " of 2 targets. price: " in run.report.read_text("utf-8")


def test_fingerprints_are_the_same_everywhere(dear_run: Run, table: pl.DataFrame) -> None:
    """A run is asked by later versions and on other machines: the numbers may never change."""
    preparation = dear_run.model.preparation
    rows = read(table[:2].with_columns(rooms=None))
    found = Seen.of(preparation, preparation.parse(rows)).rows.tolist()
    assert found == [6038320780777584854, 16285958029678262178]


def test_damaged_fingerprints_are_told_and_absent_ones_too(
    dear_run: Run, make_houses: Make, tmp_path: Path
) -> None:
    news = make_houses(97, seed=5)
    place = dear_run.folder / FILE
    content = place.read_bytes()
    try:
        place.write_bytes(content[:-9])
        with pytest.raises(RunError, match="fingerprints of the training rows cannot be read"):
            evaluate(dear_run, news)
        place.unlink()
        found = evaluate(dear_run, news).to_dict()
    finally:
        place.write_bytes(content)
    assert found["seen_in_training"] is None
    assert found["verdict"].startswith("Whether these rows were seen in training is not known")
    assert read_seen(tmp_path) is None


def test_the_same_fingerprints_are_the_same_file(tmp_path: Path) -> None:
    """A run that was killed and gone on with is compared with others file by file."""
    known = Seen(np.arange(7, dtype=np.uint64), -12.5)
    contents: set[bytes] = set()
    for number in range(12):
        folder = tmp_path / str(number)
        (folder / FILE).parent.mkdir(parents=True)
        known.write(folder)
        contents.add((folder / FILE).read_bytes())
    assert len(contents) == 1


def test_fingerprints_of_runs_before_are_read(tmp_path: Path) -> None:
    (tmp_path / FILE).parent.mkdir(parents=True)
    facts = {"version": "1", "log_chance": "-12.5"}
    save_file({"rows": np.arange(7, dtype=np.uint64)}, tmp_path / FILE, metadata=facts)
    found = read_seen(tmp_path)
    assert found is not None
    assert found.rows.tolist() == list(range(7))
    assert found.log_chance == -12.5
