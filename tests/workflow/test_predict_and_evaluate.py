"""The verbs on a trained run: rows in order, the person's words, what is unusual is told."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import root_mean_squared_error

from fathom.base.errors import DataError, RecipeError, RunError
from fathom.workflow.evaluate import evaluate
from fathom.workflow.look import look
from fathom.workflow.predict import Predictions, predict
from fathom.workflow.recipe import Recipe
from fathom.workflow.replay import replay
from fathom.workflow.run import Run, load
from fathom.workflow.show import describe_run, describe_table

Train = Callable[..., Run]
Make = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def news(make_houses: Make) -> pl.DataFrame:
    """Rows that no run has seen."""
    return make_houses(47, seed=11)


def test_rows_come_back_in_order(price_run: Run, news: pl.DataFrame) -> None:
    whole = predict(price_run, news).frame
    order = np.random.default_rng(0).permutation(47)
    turned = predict(price_run, news[order]).frame
    np.testing.assert_allclose(whole["price"].to_numpy()[order], turned["price"], rtol=1e-6)
    alone = predict(price_run, news[5:6]).frame
    np.testing.assert_allclose(alone["price"][0], whole["price"][5], rtol=1e-6)


def test_answers_are_the_users_words(dear_run: Run, news: pl.DataFrame) -> None:
    found = predict(dear_run, news.drop("dear", "price")).frame
    assert set(found["dear"]) <= {"yes", "no"}
    both = found.select("dear: p(no)", "dear: p(yes)").to_numpy()
    np.testing.assert_allclose(both.sum(1), 1, rtol=1e-5)
    threshold = dear_run.answers["thresholds"]["dear"]
    said = np.where(both[:, 1] >= (0.5 if threshold is None else threshold), "yes", "no")
    assert found["dear"].to_list() == said.tolist()


def test_what_is_unusual_about_the_input_is_told(dear_run: Run, news: pl.DataFrame) -> None:
    odd = news.drop("lot").with_columns(
        style=pl.lit("straw"),
        area=pl.when(pl.int_range(pl.len()) < 7).then(9e5).otherwise("area"),
        rooms=pl.lit(None, dtype=pl.Float64),
    )
    found = predict(dear_run, odd).input_report
    told = {(finding.code, *finding.columns) for finding in found}
    assert ("columns_absent", "lot") in told
    assert ("unseen_words", "style") in told
    assert ("outside_range", "area") in told
    assert ("more_missing", "rooms") in told
    assert next(f for f in found if f.columns == ("area",)).facts["count"] == 7
    assert found[0].severity == "high"


def test_unusual_rows_are_marked(dear_run: Run, news: pl.DataFrame) -> None:
    place = pl.int_range(pl.len())
    odd = news.with_columns(
        style=pl.when(place == 3).then(pl.lit("straw")).otherwise("style"),
        area=pl.when(place.is_in([3, 5])).then(9e5).when(place == 8).then(None).otherwise("area"),
    )
    found = predict(dear_run, odd)
    assert found.frame.columns[0] == "row"
    assert found.frame.columns[-1] == "unusual"
    assert found.frame["row"].to_list() == list(range(1, 48))
    told = {row: text for row, text in found.frame.select("row", "unusual").rows() if text}
    assert told[4] == "area: outside the training range; style: unseen word"
    assert told[6] == "area: outside the training range"
    assert told[9] == "area: missing, never so in training"
    assert found.num_unusual == len(told)
    rows = {f.columns[0]: f.rows for f in found.input_report if f.columns}
    assert (rows["style"], rows["area"]) == ((4,), (4, 6))
    lacking = predict(dear_run, news.drop("area")).frame["unusual"]
    assert lacking.str.contains("area: not in the table").all()
    words = news.with_columns(area=pl.Series(["big", "", *news["area"].cast(pl.String)[2:]]))
    odd, gap, *_ = predict(dear_run, words).frame["unusual"]
    assert "area: not a number" in odd
    assert "area: missing, never so in training" in gap
    told = {note.code: note for note in predict(dear_run, words).input_report}
    assert "such as 'big'" in told["unreadable_cells"].evidence


def test_familiar_rows_are_not_marked(dear_run: Run, table: pl.DataFrame) -> None:
    trained = pl.read_parquet(dear_run.folder / "predictions" / "test.parquet")["row"].to_numpy()
    others = np.setdiff1d(np.arange(1, 212), trained)
    frame = predict(dear_run, table).frame
    assert frame["unusual"].to_numpy()[others - 1].astype(bool).mean() < 0.2


def test_a_target_called_row_keeps_its_name(make_houses: Make, small_train: Train) -> None:
    rows = make_houses(61).drop("dear").rename({"price": "row"})
    found = predict(small_train(rows, "row"), rows).frame
    assert found.columns[0] == "row (2)"
    assert found["row (2)"].to_list() == list(range(1, 62))
    assert found["row"].dtype.is_float()


def test_look_and_predict_say_the_same_of_the_same_rows(
    dear_run: Run, table: pl.DataFrame, news: pl.DataFrame
) -> None:
    odd = news.with_columns(
        style=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("straw")).otherwise("style"),
        area=pl.when(pl.int_range(pl.len()) < 7).then(9e5).otherwise("area"),
    ).drop("price", "worth")
    seen = look(Recipe.of({"target": "dear"}), table.drop("price", "worth"), odd).findings
    told = predict(dear_run, odd).input_report
    for column, code in (("style", "unseen_words"), ("area", "outside_range")):
        one, other = (
            next(f for f in found if (f.code, f.columns) == (code, (column,)))
            for found in (seen, told)
        )
        assert one.title.replace("test file", "given table") == other.title
        assert one.advice == other.advice
        assert one.severity == other.severity == "medium"
        assert one.evidence.split(":")[0] == other.evidence.split(":")[0]
        assert one.facts.items() >= other.facts.items()
        assert one.rows == other.rows == (1, 2, 3, 4, 5)


def test_familiar_rows_raise_nothing_grave(dear_run: Run, table: pl.DataFrame) -> None:
    found = predict(dear_run, table).input_report
    assert [finding for finding in found if finding.severity != "low"] == []


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".json", ".jsonl"])
def test_predictions_are_written_and_read_back(
    ending: str, dear_run: Run, news: pl.DataFrame, tmp_path: Path
) -> None:
    place = tmp_path / f"out{ending}"
    found = predict(dear_run, news)
    found.write(place)
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        ".csv": pl.read_csv,
        ".tsv": lambda path: pl.read_csv(path, separator="\t"),
        ".parquet": pl.read_parquet,
        ".json": pl.read_json,
        ".jsonl": pl.read_ndjson,
    }
    again = readers[ending](place)
    assert again.columns == found.frame.columns
    assert again["dear"].to_list() == found.frame["dear"].to_list()
    np.testing.assert_allclose(again["dear: probability"], found.frame["dear: probability"])


def test_an_unknown_ending_is_refused(dear_run: Run, news: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"Did you mean '\.csv'"):
        predict(dear_run, news).write(tmp_path / "out.cvs")


def test_a_table_without_rows_is_refused(price_run: Run, news: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="no rows"):
        predict(price_run, news[:0])


def test_a_table_of_other_columns_is_refused(price_run: Run) -> None:
    with pytest.raises(RecipeError, match="none of the columns"):
        predict(price_run, {"x": [1.0, 2.0]})


def test_files_without_a_header_are_read_by_position(
    tmp_path: Path, make_houses: Make, small_train: Train
) -> None:
    """The target comes first, so that a file without it is one column to the left."""
    rows = make_houses(97).select("price", "area", "lot")
    news = make_houses(13, seed=1).select("price", "area", "lot")
    files = [tmp_path / name for name in ("train.csv", "whole.csv", "inputs.csv")]
    for file, part in zip(files, (rows, news, news.drop("price")), strict=True):
        part.write_csv(file, include_header=False)
    run = small_train(files[0], "1")
    assert run.record["columns"] == ["column_1", "column_2", "column_3"]
    whole, inputs = (predict(run, file).frame for file in files[1:])
    assert whole.equals(inputs)
    named = small_train(rows)
    direct = predict(named, news.drop("price")).frame["price"]
    np.testing.assert_allclose(inputs["column_1"], direct, rtol=1e-6)


def test_evaluate_agrees_with_scikit_learn(price_run: Run, news: pl.DataFrame) -> None:
    answer = predict(price_run, news).frame["price"].to_numpy()
    score = evaluate(price_run, news).to_dict()
    expected = root_mean_squared_error(news["price"].to_numpy(), answer)
    assert score["metrics"]["rmse"]["value"] == pytest.approx(expected, rel=1e-6)
    assert score["metrics"]["rmse"]["low"] < expected < score["metrics"]["rmse"]["high"]
    assert score["baselines"]["constant"]["rmse"]["value"] > 0
    kept = sorted((price_run.folder / "evaluations").iterdir())[-1]
    assert json.loads(kept.read_text())["metrics"] == score["metrics"]


def test_a_baseline_that_won_in_the_training_is_not_forgotten(
    make_houses: Make, small_train: Train, news: pl.DataFrame
) -> None:
    run = small_train(make_houses(400), settings={"evaluate.baselines": True})
    told = run.score["comparisons"][0]
    assert (told["against"] != "constant", told["better"]) == (True, False)
    assert f"it was worse than {told['against']} (rmse " in evaluate(run, news).verdict


def test_a_score_that_is_gone_is_told(price_run: Run, news: pl.DataFrame, tmp_path: Path) -> None:
    shutil.copytree(price_run.folder, tmp_path / "run")
    (tmp_path / "run" / "score.json").unlink()
    run = Run(tmp_path / "run")
    assert (run.scored, run.score_gone, price_run.score_gone) == (False, True, False)
    assert "score.json of the run is gone" in evaluate(run, news).verdict
    (run.folder / "predictions" / "test.parquet").write_bytes(b"PAR1 no more")
    assert run.score_gone


def test_without_fingerprints_the_verdict_begins_with_the_doubt(
    price_run: Run, news: pl.DataFrame, tmp_path: Path
) -> None:
    shutil.copytree(price_run.folder, tmp_path / "run")
    (tmp_path / "run" / "predictions" / "seen.safetensors").unlink()
    verdict = evaluate(tmp_path / "run", news).verdict
    assert verdict.startswith("Whether these rows were seen in training is not known")
    assert "on other rows of the kind" not in verdict


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["model.safetensors", "predictions/seen.safetensors"])
def test_a_pipe_in_the_place_of_a_file_of_the_run_is_refused(
    price_run: Run, news: pl.DataFrame, tmp_path: Path, name: str
) -> None:
    shutil.copytree(price_run.folder, tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    os.mkfifo(tmp_path / "run" / name)
    with pytest.raises(RunError, match="a folder, a pipe or a device, not an ordinary file"):
        evaluate(tmp_path / "run", news)


def test_predictions_show_their_rows_and_what_was_unusual(
    dear_run: Run, news: pl.DataFrame
) -> None:
    found = predict(dear_run, news.drop("lot"))
    assert repr(found) == f"{found.frame}\n{found.told()}"
    assert "HIGH: answers to these rows are guesses\n  1. The given table lacks" in found.told()
    assert "lot" in found.told()
    assert "Finding(" not in repr(found)
    assert repr(Predictions(found.frame, ())) == str(found.frame)


def test_answers_without_intervals_or_sets_say_why(
    price_run: Run, dear_run: Run, folds_run: Run, news: pl.DataFrame
) -> None:
    for run, name, what in (
        (price_run, "price", "an interval"),
        (dear_run, "dear", "a set of classes"),
    ):
        found = predict(run, news)
        (told,) = found.answer_report
        assert (told.code, told.severity, told.columns) == ("no_interval", "low", (name,))
        assert told.title == f"Answers for '{name}' come without {what}."
        assert told.evidence == (
            "In the training: fewer than 300 validation rows leave none to spare."
        )
        assert "split.folds = 5" in told.advice
        assert told.title in found.told()
    assert predict(folds_run, news).answer_report == ()


def test_evaluate_needs_the_truth(price_run: Run, news: pl.DataFrame) -> None:
    with pytest.raises(DataError, match="does not hold the truth"):
        evaluate(price_run, news.drop("price"))


def test_evaluate_keeps_the_metric_and_the_groups(make_houses: Make, small_train: Train) -> None:
    rows, news = make_houses(211).drop("dear"), make_houses(83, seed=3)
    run = small_train(rows, settings={"group": "town", "evaluate.metric": "mae"})
    assert run.score["primary_metric"] == "mae"
    grouped = evaluate(run, news).to_dict()
    plain = evaluate(
        run, news.with_columns(town=pl.format("u{}", pl.int_range(pl.len())))
    ).to_dict()
    assert grouped["primary_metric"] == "mae"
    assert grouped["metrics"]["mae"]["value"] == pytest.approx(plain["metrics"]["mae"]["value"])
    assert grouped["metrics"]["mae"]["low"] != plain["metrics"]["mae"]["low"]


@pytest.fixture(scope="module")
def folds_run(make_houses: Make, small_train: Train) -> Run:
    rows = make_houses(241, seed=2).drop("worth", "town")
    options = {"split.folds": 3, "training.epochs": 9.0, "training.learning_rate": 0.02}
    return small_train(rows, "price,dear", options)


def test_folds_give_every_row_one_answer_and_intervals(folds_run: Run, news: pl.DataFrame) -> None:
    held = pl.read_parquet(folds_run.folder / "predictions" / "validation.parquet")
    tested = pl.read_parquet(folds_run.folder / "predictions" / "test.parquet")
    rows = held["row"].to_list() + tested["row"].to_list()
    assert sorted(rows) == list(range(1, 242))
    assert set(held["part"]) == {0, 1, 2}
    found = predict(folds_run, news).frame
    low, value, high = (found[name].to_numpy() for name in ("price: low", "price", "price: high"))
    assert (low < value).all()
    assert (value < high).all()
    inside = (low <= news["price"].to_numpy()) & (news["price"].to_numpy() <= high)
    assert inside.mean() > 0.75


def test_a_number_and_a_class_together(folds_run: Run, news: pl.DataFrame) -> None:
    tasks = [item["task"] for item in folds_run.score["targets"]]
    assert tasks == ["regression", "classification"]
    found = predict(folds_run, news).frame
    assert {"price", "dear", "dear: p(yes)", "dear: set"} <= set(found.columns)
    scores = evaluate(folds_run, news).to_dict()["targets"]
    assert [item["target"] for item in scores] == ["price", "dear"]


def test_saved_runs_answer_the_same(folds_run: Run, news: pl.DataFrame) -> None:
    again = predict(load(folds_run.folder), news).frame
    assert again.equals(predict(folds_run, news).frame)


def test_several_labels_per_row(small_train: Train) -> None:
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 157))
    labels = [
        "|".join(n for n, there in (("left", x > 0), ("up", y > 0), ("any", True)) if there)
        for x, y in zip(a, b, strict=True)
    ]
    run = small_train({"a": a, "b": b, "labels": labels}, "labels", kinds={"labels": "set"})
    found = predict(run, {"a": [1.5, -1.5], "b": [1.5, -1.5]}).frame
    answers = ["labels", "labels: p(any)", "labels: p(left)", "labels: p(up)"]
    assert found.columns == ["row", *answers, "unusual"]
    assert run.score["task"] == "multilabel"


def test_weights_count(make_houses: Make, small_train: Train) -> None:
    """Rows of weight 0 are as good as absent to what is fitted."""
    rows = make_houses(151).drop("dear", "town").with_columns(worth=pl.lit(1))
    heavy = rows.with_columns(worth=pl.when(pl.col("style") == "wood").then(0).otherwise(1))
    plain, weighed = (small_train(part, settings={"weight": "worth"}) for part in (rows, heavy))
    means = [run.model.targets[0].fitted.to_dict()["mean"] for run in (plain, weighed)]
    assert means[0] != means[1]
    assert "worth" not in {column.name for column in weighed.model.preparation.inputs}
    with pytest.raises(DataError, match="zero or more"):
        small_train(rows.with_columns(worth=pl.lit(-1)), settings={"weight": "worth"})


def test_rows_without_a_target_are_counted(make_houses: Make, small_train: Train) -> None:
    rows = (
        make_houses(131)
        .drop("dear")
        .with_columns(price=pl.when(pl.int_range(pl.len()) % 13 == 0).then(None).otherwise("price"))
    )
    run = small_train(rows)
    told = run.report.read_text("utf-8")
    assert "11 rows have no target" in told
    held = pl.read_parquet(run.folder / "predictions" / "test.parquet")["row"].to_numpy()
    assert (held % 13 != 1).all(), "the 1st, 14th, … row of the file"


def test_rows_have_one_number_everywhere(dear_run: Run, table: pl.DataFrame) -> None:
    """Counted from 1: in the report, in the predictions that are kept, in answers to new rows."""
    held = pl.read_parquet(dear_run.folder / "predictions" / "validation.parquet")
    words = table["dear"].to_list()
    assert [words[row - 1] for row in held["row"]] == held["truth: dear"].to_list()
    page = dear_run.report.read_text("utf-8")
    worst = page[page.index("The worst mistakes") :].partition("</table>")[0]
    told = [int(row) for row in re.findall(r'<th scope="row"><bdi>([\d,]+)</bdi>', worst)]
    assert told
    assert set(told) <= set(held["row"].to_list())
    assert "counted from 1" in worst


def test_a_number_has_no_empty_column_for_how_sure(price_run: Run, dear_run: Run) -> None:
    assert "The worst mistakes" in price_run.report.read_text("utf-8")
    assert "How sure" not in price_run.report.read_text("utf-8")
    assert "How sure" in dear_run.report.read_text("utf-8")


@pytest.mark.parametrize("lost", ["model.safetensors", "preparation.json", "answers.json"])
def test_an_unfinished_run_answers_nothing_and_says_how_to_go_on(
    lost: str, dear_run: Run, news: pl.DataFrame, tmp_path: Path
) -> None:
    place = tmp_path / "half done"
    shutil.copytree(dear_run.folder, place)
    (place / lost).unlink()
    verbs: list[Callable[[], object]] = [
        lambda: predict(load(place), news),
        lambda: evaluate(load(place), news),
        lambda: describe_run(load(place)),
    ]
    if lost == "model.safetensors":
        verbs.append(lambda: replay(load(place), tmp_path / "again"))
    for verb in verbs:
        with pytest.raises(RunError) as caught:
            verb()
        assert str(caught.value) == (
            "This run is unfinished: its training was interrupted, or still goes on.\n"
            f"  where:    {place}\n"
            "  expected: a finished run\n"
            f"  got:      a folder without '{lost}'\n"
            f"  do:       Finish it first: fathom train --resume '{place}'"
        )


def test_a_target_name_with_a_comma(make_houses: Make, small_train: Train) -> None:
    run = small_train(make_houses(61).drop("dear").rename({"price": "price, net"}), "price, net")
    assert [column.name for column in run.model.targets] == ["price, net"]


def test_show_decodes_what_the_network_sees(
    dear_run: Run, tmp_path: Path, news: pl.DataFrame
) -> None:
    place = tmp_path / "news.csv"
    news.write_csv(place)
    shown = describe_run(dear_run, place)
    batch: list[dict[str, Any]] = shown.content["batch"]
    style = next(column for column in batch if column["column"] == "style")
    assert list(style["decoded"]) == news["style"][:4].to_list()
    assert "weights" in shown.text
    assert describe_table(place).content["rows"][0]["style"] == news["style"][0]


def test_show_takes_rows_to_be_answered(dear_run: Run, tmp_path: Path, news: pl.DataFrame) -> None:
    target = dear_run.model.targets[0].name
    place = tmp_path / "news.csv"
    for rows, kinds in ((news.drop(target, strict=False), 0), (news.with_columns(dear=1), 1)):
        rows.write_csv(place)
        batch = describe_run(dear_run, place).content["batch"]
        assert len(batch) > 1
        assert sum(column["kind"] == "target" for column in batch) == kinds


def test_look_without_a_target(table: pl.DataFrame) -> None:
    found = look(Recipe(), table)
    assert found.schema.columns["style"].kind.name == "category"
    assert "style" in repr(found)
    with pytest.raises(RecipeError, match="Did you mean 'town'"):
        look(Recipe.of({"group": "twon"}), table)
