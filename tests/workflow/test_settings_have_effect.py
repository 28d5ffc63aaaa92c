"""Promise 5 for every setting there is: it changes something, or it is an error."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fathom.base.errors import FathomError, RecipeError
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run
from fathom.workflow.settings import SETTINGS, Setting, setting
from fathom.workflow.study import study

# key -> (target, the value to be told apart from what `small_train` uses, other settings of both).
CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "size": ("price", "medium", {"network.width": None}),
    "target": ("price", "lot", {}),
    "weight": ("price", "worth", {}),
    "group": ("price", "town", {}),
    "time_column": ("price", "year", {}),
    "seed": ("price", 1, {}),
    "time": ("price", 0.001, {"training.epochs": 9.0}),
    "split.method": ("price", "random", {}),
    "split.test_share": ("price", 0.3, {}),
    "split.validation_share": ("price", 0.3, {}),
    "split.folds": ("price", 2, {}),
    "prepare.scaling": ("price", "standard", {"prepare.num_bins": 2}),
    "prepare.clip": ("price", 0.5, {}),
    "prepare.impute": ("price", "zero", {}),
    "prepare.log": ("price", True, {}),
    "prepare.min_count": ("price", 9, {}),
    "prepare.num_bins": ("price", 5, {}),
    "prepare.least_repeats": ("price", 1000, {}),
    "prepare.num_pairs": ("price", 2, {"prepare.num_pairs": 0}),
    "prepare.num_angles": ("price", 4, {"prepare.num_pairs": 3}),
    "network.name": ("price", "mlp", {"network.members": None}),
    "network.members": ("price", 3, {}),
    "network.width": ("price", 11, {}),
    "network.depth": ("price", 1, {}),
    "network.activation": ("price", "gelu", {}),
    "network.norm": ("price", "layer", {}),
    "network.dropout": ("price", 0.3, {}),
    "network.initialisation": ("price", "orthogonal", {}),
    "network.number_dim": ("price", 5, {}),
    "network.category_dim": ("price", 5, {}),
    "loss.number": ("price", "huber", {}),
    "loss.category": ("dear", "focal", {}),
    "loss.label_smoothing": ("dear", 0.2, {}),
    "loss.class_weight": ("dear", "balanced", {}),
    "loss.l1": ("price", 0.1, {}),
    "training.optimizer": ("price", "adamw", {}),
    "training.learning_rate": ("price", 0.01, {}),
    "training.weight_decay": ("price", 0.3, {}),
    "training.momentum": ("price", 0.5, {}),
    "training.epochs": ("price", 1.0, {}),
    "training.patience": ("price", 1, {"training.learning_rate": 1e-12}),
    "training.checks": ("price", 7, {}),
    "training.batch_size": ("price", 53, {}),
    "training.accumulate": ("price", 3, {}),
    "training.schedule": ("price", "linear", {}),
    "training.warmup_share": ("price", 0.5, {}),
    "training.clip_norm": ("price", 0.01, {}),
    "training.averaging": ("price", "ema", {}),
    "training.sampling": ("dear", "balanced", {}),
    "training.precision": ("price", "bf16", {"training.precision": "fp32"}),
    "training.fused": ("price", False, {"training.optimizer": "adamw"}),
    "evaluate.metric": ("price", "mae", {}),
    "evaluate.calibrate": ("dear", False, {}),
    "evaluate.threshold": ("dear", "f1", {}),
    "evaluate.coverage": ("price", 0.5, {"split.folds": 2}),
    "evaluate.baselines": ("price", True, {}),
    "evaluate.importance": ("price", True, {}),
}
# Settings that say how or from where is read have tests of their own, below.
READING = {"data", "test", "validation", "names", "delimiter", "encoding", "prepare.drop_leaks"}
# Tested in test_switches.py and test_engine.py.
SWITCHES = {"look", "report", "training.memory_format", "training.compile"}
# Tested with pictures, in test_pictures.py.
CHANGES = (
    "flip",
    "rotate",
    "scale",
    "crop",
    "shift",
    "cutout",
    "colour",
    "blur",
    "mixup",
    "cutmix",
)
PICTURES = {
    "network.pictures",
    "network.both_sides",
    "network.nudged",
    "training.hold_norm",
    "network.channels",
    *(f"augment.{name}" for name in CHANGES),
}

# Tested in test_transfer.py.
TRANSFER = {"transfer.from", "transfer.learn", "transfer.layer_rate", "transfer.compare"}


def test_every_setting_has_a_case() -> None:
    elsewhere = READING | PICTURES | TRANSFER | SWITCHES
    assert {known.key for known in SETTINGS} == set(CASES) | elsewhere


@pytest.fixture(scope="session")
def outcome(table: pl.DataFrame, small_train: Callable[..., Run]) -> Callable[..., dict[str, str]]:
    """What a run came to, as prints of its files; what merely repeats the wish is left out."""
    known: dict[str, dict[str, str]] = {}

    def find(target: str, settings: dict[str, Any]) -> dict[str, str]:
        key = json.dumps([target, settings], sort_keys=True)
        if key not in known:
            rows = table.drop({"price": "dear", "dear": "price", "lot": "dear"}[target])
            known[key] = prints(small_train(rows, target, settings))
        return known[key]

    return find


def prints(run: Run) -> dict[str, str]:
    """A print of each result: weights, preparation, history, answers, predictions, score."""
    score = json.loads((run.folder / "score.json").read_text())
    del score["seconds"], score["looks"], score["notes"], score["seal"]
    page = re.sub(r"\d+", "", (run.folder / "report.html").read_text())
    names = ("model.safetensors", "preparation.json", "answers.json", "history.jsonl")
    found = {
        name: _print((run.folder / name).read_bytes())
        for name in names
        if (run.folder / name).exists()
    }
    for name in ("validation", "test"):
        rows = pl.read_parquet(run.folder / "predictions" / f"{name}.parquet")
        found[name] = _print(rows.write_csv().encode())
    return {**found, "score": _print(json.dumps(score).encode()), "charts": str(page.count("<svg"))}


def _print(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def test_the_same_recipe_gives_the_same_prints(
    table: pl.DataFrame, small_train: Callable[..., Run]
) -> None:
    """Else every comparison below would be empty."""
    rows = table.drop("dear")
    assert prints(small_train(rows)) == prints(small_train(rows))


@pytest.mark.parametrize("key", CASES)
def test_setting_changes_the_run(key: str, outcome: Callable[..., dict[str, str]]) -> None:
    target, value, others = CASES[key]
    if key == "target":
        assert outcome(target, others) != outcome(value, others)
        return
    assert outcome(target, others) != outcome(target, {**others, key: value})


NEEDS = {
    "network.width": ({"network.name": "linear"}, "price", 5),
    "network.depth": ({"network.name": "linear"}, "price", 1),
    "network.number_dim": ({"network.name": "linear"}, "price", 5),
    "network.members": ({"network.name": "mlp"}, "price", 3),
    "loss.number": ({}, "dear", "huber"),
    "loss.category": ({}, "price", "focal"),
    "loss.label_smoothing": ({}, "price", 0.1),
    "loss.class_weight": ({}, "price", "balanced"),
    "training.sampling": ({}, "price", "balanced"),
    "training.warmup_share": ({"training.schedule": "coslog4"}, "price", 0.1),
    "training.momentum": ({"training.optimizer": "adamw"}, "price", 0.5),
    "evaluate.calibrate": ({}, "price", True),
    "evaluate.threshold": ({}, "price", "f1"),
    "split.validation_share": ({"split.folds": 3}, "price", 0.2),
    "prepare.num_angles": ({"prepare.num_pairs": 0}, "price", 4),
}
OPEN = dict.fromkeys(("network.width", "network.members", "network.number_dim"))


@pytest.mark.parametrize("key", NEEDS)
def test_a_setting_without_effect_is_an_error(
    key: str, table: pl.DataFrame, small_train: Callable[..., Run]
) -> None:
    others, target, value = NEEDS[key]
    rows = table.drop("dear" if target == "price" else "price")
    small_train(rows, target, {**OPEN, **others})
    with pytest.raises(RecipeError, match=key.rsplit(".", 1)[-1]):
        small_train(rows, target, {**OPEN, **others, key: value})


# Wishes about inputs of one kind: the kind, the value.
WISHES: dict[str, tuple[str, Any]] = {
    "prepare.scaling": ("number", "standard"),
    "prepare.clip": ("number", 2.0),
    "prepare.impute": ("number", "zero"),
    "prepare.log": ("number", True),
    "prepare.num_bins": ("number", 5),
    "prepare.least_repeats": ("number", 30),
    "prepare.num_pairs": ("number", 2),
    "prepare.num_angles": ("number", 4),
    "prepare.min_count": ("category", 3),
    "network.number_dim": ("number", 5),
    "network.category_dim": ("category", 7),
}


@pytest.mark.parametrize("key", WISHES)
def test_a_wish_for_absent_kinds_is_an_error(
    key: str, make_houses: Callable[..., pl.DataFrame]
) -> None:
    kind, value = WISHES[key]
    rows = make_houses(223)
    words, numbers = rows.select("style", "town", "price"), rows.select("area", "lot", "price")
    without, other = (words, numbers) if kind == "number" else (numbers, words)
    plain = study(Recipe.of({"target": "price"}), without).resolved
    decision = next(one for one in plain.decisions if one.key == key)
    assert decision.value is None
    assert decision.reason == f"no input is a {kind}"
    wish = Recipe.of({"target": "price", key: value})
    needs = {"prepare.num_pairs": 2} if key == "prepare.num_angles" else {}
    assert study(wish.with_said(needs, {}), other).resolved.value(key) == value
    with pytest.raises(RecipeError) as caught:
        study(wish, without)
    assert caught.value.what == f"The setting '{key}' would have no effect here."


@pytest.mark.parametrize(
    ("inputs", "role", "column"),
    [(("area", "lot"), "group", "town"), (("style", "town"), "weight", "worth")],
)
def test_a_kind_that_only_a_role_has_needs_no_preparation(
    inputs: tuple[str, ...],
    role: str,
    column: str,
    make_houses: Callable[..., pl.DataFrame],
    small_train: Callable[..., Run],
) -> None:
    rows = make_houses(211).select(*inputs, column, "price")
    run = small_train(rows, "price", {role: column, "network.number_dim": None})
    assert [one.name for one in run.model.preparation.inputs] == list(inputs)


def test_pairs_need_two_numbers_and_bins_need_vectors(
    make_houses: Callable[..., pl.DataFrame],
) -> None:
    one, two = make_houses(223).select("area", "price"), make_houses(223)
    for said, rows, reason in (
        ({"prepare.num_pairs": 2}, one, "fewer than two inputs are numbers"),
        ({"prepare.num_bins": 5, "network.name": "linear"}, two, "plain numbers"),
        ({"prepare.least_repeats": 5, "network.number_dim": 0}, two, "plain numbers"),
    ):
        with pytest.raises(RecipeError, match=reason):
            study(Recipe.of({"target": "price", **said}), rows)
    none = Recipe.of({"target": "price", "prepare.num_pairs": 0, "prepare.least_repeats": 0})
    assert (
        study(none, make_houses(223).select("style", "price")).resolved.preparation.num_pairs == 0
    )


def test_leaks_are_dropped_or_kept(table: pl.DataFrame, small_train: Callable[..., Run]) -> None:
    rows = table.drop("dear").with_columns(twice=pl.col("price") * 2)
    seen = [
        {
            c.name
            for c in small_train(
                rows, settings={"prepare.drop_leaks": drop}
            ).model.preparation.inputs
        }
        for drop in (True, False)
    ]
    assert [("twice" in names) for names in seen] == [False, True]


def test_data_test_and_validation_files_are_used(
    make_houses: Callable[..., pl.DataFrame], small_train: Callable[..., Run]
) -> None:
    rows, more, others = (make_houses(n, seed=n).drop("dear") for n in (101, 53, 59))
    plain, tested = small_train(rows), small_train(rows, test=more)
    chosen = small_train(rows, validation=others, settings={"split.folds": None})
    assert (plain.score["rows"], tested.score["rows"]) == (20, 53)
    held = pl.read_parquet(chosen.folder / "predictions" / "validation.parquet")
    assert held["truth: price"].to_list() == others["price"].to_list()
    for key, beside in (
        ("split.test_share", {"test": more}),
        ("split.folds", {"validation": others}),
    ):
        with pytest.raises(RecipeError, match=key):
            small_train(
                rows,
                settings={key: setting(key).check(2 if key == "split.folds" else 0.3)},
                **beside,
            )


def test_names_delimiter_and_encoding_are_obeyed(
    tmp_path: Path, table: pl.DataFrame, small_train: Callable[..., Run]
) -> None:
    place = tmp_path / "plain.csv"
    rows = table.select("area", "style", "lot", "price").with_columns(pl.col("style") + "_é")
    place.write_bytes(rows.write_csv(include_header=False, separator=";").encode("cp1252"))
    run = small_train(
        place,
        "cost",
        {"names": ["size", "kind", "lot", "cost"], "delimiter": ";", "encoding": "cp1252"},
    )
    assert run.record["columns"] == ["size", "kind", "lot", "cost"]
    other = small_train(place, "last", {"delimiter": ";", "encoding": "cp437"})
    assert "brick_é" in str(run.model.preparation.to_dict())
    assert "brick_é" not in str(other.model.preparation.to_dict())
    with pytest.raises(FathomError):
        small_train(place, "cost", {"names": ["size", "kind", "lot", "cost"], "delimiter": "|"})


BOUNDED = [known for known in SETTINGS if known.least > float("-inf")]


@pytest.mark.parametrize("known", BOUNDED, ids=lambda known: known.key)
def test_a_number_out_of_range_is_an_error(known: Setting) -> None:
    low = known.least - 1
    with pytest.raises(RecipeError, match="out of its range"):
        known.check(int(low) if int in known.types else low)
    if float in known.types:
        for odd in (float("nan"), float("inf")):
            with pytest.raises(RecipeError, match="out of its range"):
                known.check(odd)
