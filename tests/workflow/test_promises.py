"""The promises of the design that begin with "Honest", each as a test that can fail."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import fathom
from fathom.base.errors import RecipeError
from fathom.base.files import write_sealed
from fathom.evaluation.ledger import count_looks, rows_key
from fathom.workflow.learn import part_folder
from fathom.workflow.look import look
from fathom.workflow.material import Material, gather
from fathom.workflow.recipe import Recipe
from fathom.workflow.replay import replay
from fathom.workflow.run import Run, load
from fathom.workflow.study import study
from fathom.workflow.train import resume

Train = Callable[..., Run]
Make = Callable[..., pl.DataFrame]


def decided(run: Run) -> dict[str, Any]:
    """Every decision and kind, without the names of files."""
    files = ("data", "test", "validation")
    record = run.record
    found = {
        d["key"]: (d["value"], d["reason"]) for d in record["decisions"] if d["key"] not in files
    }
    return found | {"kinds": record["kinds"], "steps": record["num_steps"]}


def learned(run: Run) -> tuple[bytes, bytes, bytes]:
    """Weights, preparation, and what held rows chose."""
    names = ("model.safetensors", "preparation.json", "answers.json")
    first, second, third = ((run.folder / name).read_bytes() for name in names)
    return first, second, third


def spoilt(rows: pl.DataFrame) -> pl.DataFrame:
    """The same targets under inputs of other kinds, ranges, words and gaps."""
    number = pl.int_range(pl.len())
    return rows.with_columns(
        area=pl.format("vast-{}", number % 3),
        rooms=pl.lit("n/a"),
        style=pl.format("odd-{}", number),
        lot=pl.lit(None, dtype=pl.Float64),
        town=pl.col("area").cast(pl.String),
    )


@pytest.mark.parametrize("target", ["price", "dear"])
def test_promise_1_given_test_rows_decide_nothing(
    target: str, tmp_path: Path, make_houses: Make, small_train: Train
) -> None:
    other = "dear" if target == "price" else "price"
    rows, test = (make_houses(n, seed=n).drop(other) for n in (149, 307))
    files = [tmp_path / name for name in ("rows.csv", "test.csv", "spoilt.csv")]
    for file, content in zip(files, (rows, test, spoilt(test)), strict=True):
        content.write_csv(file)
    first, second = (small_train(files[0], target, test=file) for file in files[1:])
    assert decided(first) == decided(second)
    assert learned(first) == learned(second)


def test_promise_1_rows_held_out_by_us_decide_nothing(
    tmp_path: Path, table: pl.DataFrame, small_train: Train
) -> None:
    rows = table.drop("dear", "worth")
    recipe = Recipe.of({"target": "price", "split.folds": 0})
    test = gather(recipe, rows).test
    assert test is not None
    held = pl.col("year").is_in(test.frame["year"].cast(pl.Int64).to_list())
    whole = spoilt(rows)
    mixed = pl.concat([rows.filter(~held).cast(whole.schema), whole.filter(held)])
    order = rows.with_row_index("place").select("year", "place")
    mixed = mixed.join(order, on="year").sort("place").drop("place")
    files = [tmp_path / "before.csv", tmp_path / "after.csv"]
    rows.write_csv(files[0])
    mixed.write_csv(files[1])
    first, second = (small_train(file) for file in files)
    assert files[0].read_text() != files[1].read_text()
    assert decided(first) == decided(second)
    assert learned(first) == learned(second)


def changed_targets(rows: pl.DataFrame, target: str, held: pl.Expr) -> pl.DataFrame:
    """Other answers in the held rows: all yes, or numbers of another size and order."""
    new = pl.lit("yes") if target == "dear" else -7 * pl.col(target).reverse() + 1000
    return rows.with_columns(pl.when(held).then(new).otherwise(pl.col(target)).alias(target))


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("target", ["price", "dear"])
def test_promise_1_targets_of_rows_held_out_by_us_decide_nothing(
    target: str, folds: int, make_houses: Make, small_train: Train
) -> None:
    rows = make_houses(223).drop("dear" if target == "price" else "price")
    said = {"target": target, "split.folds": folds}
    test = gather(Recipe.of(said), rows).test
    assert test is not None
    held = pl.col("year").is_in(test.frame["year"].cast(pl.Int64).to_list())
    other = changed_targets(rows, target, held)
    assert not rows.equals(other)
    first, second = (small_train(one, target, {"split.folds": folds}) for one in (rows, other))
    assert decided(first) == decided(second)
    assert learned(first) == learned(second)
    assert first.score["metrics"] != second.score["metrics"]


def test_the_rows_that_choose_get_their_share_of_each_class(make_houses: Make) -> None:
    rows = make_houses(1009).drop("price")
    for folds in (0, 5):
        material = gather(Recipe.of({"target": "dear", "split.folds": folds}), rows)
        yes = (material.pool.frame["dear"] == "yes").to_numpy()
        for _, held in material.parts:
            assert abs(yes[held].mean() - yes.mean()) < 1.5 / len(held)
    reason = next(d.reason for d in material.decisions if d.key == "split.method")
    assert "test rows are drawn by lot" in reason


def with_copies(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """Rows with a name each, some a second and a third time in another spelling."""
    twins = rows[:37]
    near = twins.with_columns(
        area=pl.col("area") + 1e-9, style=pl.col("style").str.to_uppercase() + " "
    )
    whole = pl.concat([rows, twins, near])
    names = pl.format("h{}", pl.int_range(pl.len()))
    count = len(rows)
    tied = [(f"h{n}", f"h{count + n}") for n in range(37)]
    return whole.with_columns(name=names), tied + [
        (a, f"h{count + 37 + n}") for n, (a, _) in enumerate(tied)
    ]


def parts_of(material: Material, name: str = "name") -> list[set[str]]:
    """The values of a column in each part that must be kept apart."""
    assert material.test is not None
    pool = material.pool.frame[name].cast(pl.String)
    parts = [set(material.test.frame[name].cast(pl.String))]
    if material.folds:
        return parts + [set(pool[held]) for _, held in material.parts]
    kept, held = material.parts[0]
    return [*parts, set(pool[kept]), set(pool[held]), set(pool[material.calibration])]


SPLITS: dict[str, dict[str, Any]] = {
    "random": {"split.method": "random", "split.folds": 0},
    "stratified": {"split.method": "stratified", "split.folds": 0},
    "folds": {"split.folds": 5},
    "time": {"time_column": "year", "split.folds": 0},
    "time folds": {"time_column": "year", "split.folds": 3},
    "grouped": {"group": "town", "split.folds": 0},
    "grouped folds": {"group": "town", "split.folds": 3},
    "grouped by time": {"group": "town", "time_column": "year", "split.folds": 0},
    "calibrated": {"split.validation_share": 0.5},
}


@pytest.mark.parametrize("name", SPLITS)
def test_promise_2_copies_never_straddle(name: str, make_houses: Make) -> None:
    rows, tied = with_copies(make_houses(811).drop("dear"))
    if name == "time":  # copies of other years
        rows = rows.with_columns(year=pl.col("year").shuffle(seed=1))
        tied = []
    material = gather(Recipe.of({"target": "price", **SPLITS[name]}), rows)
    parts = parts_of(material)
    assert sum(map(len, parts)) == len(rows)
    assert (name == "calibrated") == (len(material.calibration) > 0 and "folds" not in name)
    for one, other in tied:
        assert [one in part for part in parts] == [other in part for part in parts]


@pytest.mark.parametrize("name", ["grouped", "grouped folds", "grouped by time"])
def test_promise_2_groups_stay_together(name: str, make_houses: Make) -> None:
    rows = (
        make_houses(307)
        .drop("dear")
        .with_columns(town=pl.format("t{}", pl.int_range(pl.len()) % 97))
    )
    material = gather(Recipe.of({"target": "price", **SPLITS[name]}), rows)
    towns = parts_of(material, "town")
    assert sum(map(len, towns)) == 97
    assert len(towns[0]) > 5


def test_promise_2_no_training_row_is_later_than_where_the_test_begins(make_houses: Make) -> None:
    rows = make_houses(307).drop("dear")
    recipe = Recipe.of({"target": "price", "time_column": "year", "split.folds": 0})
    material = gather(recipe, rows)
    assert material.test is not None
    years = material.pool.frame["year"].cast(pl.Int64).to_numpy()
    kept, held = material.parts[0]
    tested = material.test.frame["year"].cast(pl.Int64).to_numpy()
    assert years[kept].max() < years[held].min() <= years[held].max() < tested.min()
    assert abs(len(tested) - 61) <= 1


def test_promise_2_copies_in_given_files_are_counted(make_houses: Make) -> None:
    rows, others = make_houses(211).drop("dear"), make_houses(53, seed=1).drop("dear")
    test, validation = pl.concat([others, rows[:17]]), pl.concat([others, rows[20:39]])
    made = study(Recipe.of({"target": "price"}), rows, test, validation)
    counted = {f.facts["part"]: f.facts for f in made.findings if f.code == "copies_across_files"}
    assert {part: facts["count"] for part, facts in counted.items()} == {
        "test": 17,
        "validation": 19,
    }
    seen = look(Recipe.of({"target": "price"}), rows, test)
    assert "copies_across_files" in {finding.code for finding in seen.findings}


@pytest.mark.parametrize("target", ["price", "dear"])
def test_promise_3_test_targets_choose_nothing(
    target: str, make_houses: Make, small_train: Train
) -> None:
    other = "dear" if target == "price" else "price"
    rows, test = (make_houses(n, seed=n).drop(other) for n in (223, 71))
    if target == "price":
        wrong = test.with_columns(price=-7 * pl.col("price").reverse())
    else:
        wrong = test.with_columns(
            dear=pl.when(pl.col("dear") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
        )
    options = {"evaluate.baselines": True, "training.epochs": 4.0, "split.folds": None}
    first, second = (small_train(rows, target, options, test=given) for given in (test, wrong))
    assert learned(first) == learned(second)
    assert first.history == second.history
    assert first.score["strongest_baseline"] == second.score["strongest_baseline"]
    assert first.score["metrics"] != second.score["metrics"]
    assert worst(first) == worst(second)


def worst(run: Run) -> str:
    """The rows shown as the worst mistakes."""
    found = re.search(r'<table class="worst">.*?</table>', run.report.read_text("utf-8"), re.S)
    assert found is not None
    assert found.group(0).count("<tr>") > 5
    return found.group(0)


def test_promise_3_looks_at_the_test_rows_are_counted(
    make_houses: Make, small_train: Train
) -> None:
    rows, test = make_houses(101, seed=7).drop("dear"), make_houses(31, seed=8).drop("dear")
    runs = [small_train(rows, settings={"seed": seed}, test=test) for seed in (1, 2, 1)]
    # The third run is the first again: the same weights teach nothing new.
    assert [run.score["looks"] for run in runs] == [1, 2, 2]
    shuffled = test.sample(fraction=1, shuffle=True, seed=1)
    assert small_train(rows, settings={"seed": 3}, test=shuffled).score["looks"] == 3
    assert count_looks(rows_key(make_houses(31, seed=9), ["price"])).count == 0


@pytest.fixture(scope="module")
def noise_run(small_train: Train) -> Run:
    draw = np.random.default_rng(5)
    rows = pl.DataFrame({name: draw.normal(size=223) for name in ("a", "b", "y")})
    options = {"evaluate.baselines": True, "training.epochs": 9.0, "training.learning_rate": 0.05}
    return small_train(rows, "y", options)


def test_promise_4_scores_stand_with_intervals_beside_baselines(noise_run: Run) -> None:
    score = noise_run.score
    for found in (score["metrics"], *score["baselines"].values()):
        assert found["rmse"]["low"] < found["rmse"]["value"] < found["rmse"]["high"]
    assert set(score["baselines"]) == {"constant", "linear", "boosted_trees"}
    paired = score["comparisons"][0]
    assert paired["metric"] == score["primary_metric"] == "rmse"
    assert 0 <= paired["p_value"] <= 1


def truth_and_answer(run: Run, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Truth and answer of the test rows, as they were written down."""
    rows = pl.read_parquet(run.folder / "predictions" / "test.parquet")
    truth = rows[f"truth: {target}"].cast(pl.Float64).to_numpy()
    return truth, rows[f"answer: {target}"].to_numpy()


def rmse(truth: np.ndarray, answer: np.ndarray | float) -> float:
    return float(np.sqrt(((truth - answer) ** 2).mean()))


@pytest.mark.parametrize("folds", [0, 3])
def test_promise_4_baselines_have_the_same_rows(
    folds: int, make_houses: Make, small_train: Train
) -> None:
    """A constant learns from every row that the network trains or chooses on, and no other."""
    rows = make_houses(211).select("area", "lot", "style", "price")
    said = {"split.folds": folds, "evaluate.baselines": True}
    run = small_train(rows, "price", said)
    material = gather(Recipe.of({"target": "price", "split.folds": folds}), rows)
    seen = material.pool.frame["price"].cast(pl.Float64).to_numpy()
    truth, answer = truth_and_answer(run, "price")
    found = {name: figures["rmse"]["value"] for name, figures in run.score["baselines"].items()}
    assert len(truth) == run.score["rows"] == 42
    assert len(seen) == 211 - 42
    assert run.score["metrics"]["rmse"]["value"] == pytest.approx(rmse(truth, answer))
    assert found["constant"] == pytest.approx(rmse(truth, seen.mean()))
    assert found["linear"] < 0.3 * found["constant"], "a straight line nearly makes these prices"


def test_promise_4_the_paired_test_is_against_the_strongest(
    make_houses: Make, small_train: Train
) -> None:
    run = small_train(make_houses(211).drop("dear"), "price", {"evaluate.baselines": True})
    score = run.score
    strongest = score["strongest_baseline"]
    assert strongest in ("linear", "boosted_trees")
    first, *others = score["comparisons"]
    assert (first["against"], first["metric"], first["corrected"]) == (strongest, "rmse", False)
    assert {other["against"] for other in others} >= {"constant"}
    assert all(other["corrected"] for other in others)
    named = score["baselines"][strongest]["rmse"]["value"]
    assert first["difference"] == pytest.approx(score["metrics"]["rmse"]["value"] - named)
    assert strongest in score["verdict"].split(":")[1]


def spread(truth: np.ndarray, answer: np.ndarray, units: np.ndarray) -> float:
    """The width of a plain bootstrap interval of rmse; whole units are drawn."""
    draw = np.random.default_rng(3)
    where = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    drawn: list[float] = []
    for _ in range(500):
        chosen = draw.integers(0, len(where), len(where))
        rows = np.concatenate([where[unit] for unit in chosen])
        drawn.append(rmse(truth[rows], answer[rows]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(high - low)


def test_promise_4_intervals_are_made_for_rows_that_belong_together(small_train: Train) -> None:
    """All rows of a town err alike, so that a town tells no more than one row would."""
    draw = np.random.default_rng(0)
    town = np.repeat(np.arange(151), 7)
    rows = pl.DataFrame(
        {
            "area": draw.normal(size=len(town)),
            "town": [f"t{n}" for n in town],
            "price": draw.normal(size=151)[town] + 0.01 * draw.normal(size=len(town)),
        }
    )
    run = small_train(rows, "price", {"group": "town"})
    found = run.score["metrics"]["rmse"]
    truth, answer = truth_and_answer(run, "price")
    place = pl.read_parquet(run.folder / "predictions" / "test.parquet")["row"].to_numpy()
    apart, together = (
        spread(truth, answer, units) for units in (np.arange(len(truth)), town[place - 1])
    )
    assert together > 2 * apart
    assert found["high"] - found["low"] == pytest.approx(together, rel=0.35)


def test_promise_4_says_first_when_it_is_not_better(noise_run: Run) -> None:
    assert not noise_run.score["comparisons"][0]["better"]
    assert re.match(
        "(Worse than|Not shown to be better than|No better than)", noise_run.score["verdict"]
    )
    page = noise_run.report.read_text(encoding="utf-8")
    assert page.index(noise_run.score["verdict"][:30]) < page.index("<h2")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("training.learing_rate", "training.learning_rate"),
        ("epoch", "training.epochs"),
        ("sise", "size"),
    ],
)
def test_promise_5_an_unknown_option_names_the_nearest(said: str, meant: str) -> None:
    with pytest.raises(
        RecipeError,
        match=f"Did you mean '{re.escape(meant.rsplit('.', 1)[-1])}'|{re.escape(meant)}",
    ):
        Recipe.of({said: 1})


def test_promise_6_every_decision_has_a_reason(price_run: Run, dear_run: Run) -> None:
    for run in (price_run, dear_run):
        for decision in run.record["decisions"] + run.answers["decisions"]:
            assert len(decision["reason"]) > 8, decision
        lines = (run.folder / "resolved.toml").read_text(encoding="utf-8").splitlines()
        settings = [line for line in lines if line and not line.startswith("[")]
        assert len(settings) > 40
        for line in settings:
            assert re.search(r"  # .{8,}", line), line


def test_promise_7_a_replay_gives_the_same_bits(dear_run: Run, tmp_path: Path) -> None:
    again = replay(dear_run, tmp_path / "again")
    assert (again.verdict, again.largest, again.reasons) == ("same bits", 0.0, ())
    assert learned(dear_run) == learned(load(again.folder))


def test_promise_7_a_replay_splits_batches_where_memory_ran_out_then(
    dear_run: Run, tmp_path: Path
) -> None:
    short = load(shutil.copytree(dear_run.folder, tmp_path / "short"))
    split = {"step": 3, "event": "batch_split", "pieces": 2}
    for number in range(len(short.model.parts)):
        place = part_folder(short.folder, number, len(short.model.parts))
        place.mkdir(parents=True, exist_ok=True)
        (place / "events.jsonl").write_text(json.dumps(split) + "\n", encoding="utf-8")
    once = replay(short, tmp_path / "once")
    told = [p.read_text(encoding="utf-8") for p in Path(once.folder).rglob("events.jsonl")]
    assert told
    assert all(json.loads(lines.splitlines()[0]) == split for lines in told)
    assert replay(load(once.folder), tmp_path / "twice").verdict == "same bits"


def test_promise_7_a_replay_that_differs_says_why(dear_run: Run, tmp_path: Path) -> None:
    record = dict(dear_run.record)
    record["decided"] = {**record["decided"], "training.learning_rate": 0.02}
    tampered = copy_of(dear_run, tmp_path / "tampered", record)
    found = replay(tampered, tmp_path / "again")
    assert found.verdict == "differs"
    assert found.largest > 0
    assert found.reasons == ("the setting training.learning_rate: 0.002 then, 0.02 now",)
    assert "training.learning_rate" in found.wording


def test_promise_7_a_replay_on_other_rows_says_so(
    dear_run: Run, tmp_path: Path, make_houses: Make
) -> None:
    other = tmp_path / "other.csv"
    make_houses(211, seed=4).drop("price", "worth").write_csv(other)
    record = dict(dear_run.record)
    record["decided"] = {**record["decided"], "data": str(other)}
    found = replay(copy_of(dear_run, tmp_path / "moved", record), tmp_path / "again")
    assert found.verdict == "differs"
    assert "the data changed" in found.reasons


def copy_of(run: Run, place: Path, record: dict[str, Any]) -> Run:
    """Weights and another record in a folder of their own."""
    place.mkdir()
    (place / "model.safetensors").write_bytes((run.folder / "model.safetensors").read_bytes())
    write_sealed(place / "record.json", record)
    return load(place)


def test_promise_7_seconds_become_steps_that_are_replayed(
    tmp_path: Path, table: pl.DataFrame, small_train: Train
) -> None:
    path = tmp_path / "rows.csv"
    table.drop("dear").write_csv(path)
    run = small_train(path, settings={"time": 1.0, "training.epochs": 5000.0})
    steps = run.record["num_steps"]
    assert 1 < steps < 5000
    assert run.history[-1]["step"] <= steps
    reason = next(d["reason"] for d in run.record["decisions"] if d["key"] == "training.epochs")
    assert "1 s hold" in reason
    again = replay(run, tmp_path / "again")
    assert (again.verdict, load(again.folder).record["num_steps"]) == ("same bits", steps)
    before = learned(run)
    assert resume(run.folder).record["num_steps"] == steps
    assert learned(run) == before


def test_rows_of_findings_are_those_of_the_file(tmp_path: Path) -> None:
    """Also where rows were held out: whoever mends a cell must find it."""
    rng = np.random.default_rng(3)
    size = rng.normal(size=400)
    price = 3 * size + rng.normal(size=400)
    gaps = rng.choice(400, 11, replace=False)
    cells = [None if row in gaps else float(value) for row, value in enumerate(size)]
    run = fathom.train(
        {"size": cells, "age": rng.normal(size=400), "price": price},
        "price",
        out=tmp_path / "run",
        settings={"training.epochs": 1, "evaluate.importance": False, "split.folds": 0},
        watch=None,
    )
    page = run.report.read_text(encoding="utf-8")
    told = re.search(r"column size;\s+rows ([\d, ]+)", page)
    assert told is not None
    shown = {int(row) for row in told[1].split(",")}
    assert len(shown) >= 4
    assert shown <= {int(row) + 1 for row in gaps}
