"""Recipes: what is written is what is read, and mistakes are named."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from fathom.base.errors import RecipeError
from fathom.base.records import Decision
from fathom.workflow.recipe import Recipe, read_recipe, resolved_toml, write_recipe
from fathom.workflow.settings import SETTINGS, Setting

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def values(known: Setting) -> st.SearchStrategy[Any]:
    """Any value that a setting may have."""
    least, most = max(known.least, -1e6), min(known.most, 1e6)
    if known.choices:
        return st.sampled_from(known.choices)
    if known.types == (int, list):
        one = st.integers(int(least), int(most))
        return st.lists(one, min_size=1, max_size=3) | one
    if list in known.types:
        return st.lists(WORDS, min_size=1, max_size=3) | WORDS
    if bool in known.types:
        return st.booleans()
    if int in known.types:
        return st.integers(int(least), int(most))
    return st.floats(least, most) if float in known.types else WORDS


SAID = st.fixed_dictionaries({}, optional={known.key: values(known) for known in SETTINGS})
KINDS = st.dictionaries(WORDS, st.sampled_from(["number", "category", "ignored"]), max_size=4)


@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=SAID, kinds=KINDS)
def test_toml_and_back(said: dict[str, Any], kinds: dict[str, str], tmp_path: Path) -> None:
    recipe = Recipe.of(said, kinds)
    write_recipe(tmp_path / "recipe.toml", recipe)
    assert read_recipe(tmp_path / "recipe.toml") == recipe


@examples(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=SAID, kinds=KINDS, reason=WORDS)
def test_decisions_and_back(
    said: dict[str, Any], kinds: dict[str, str], reason: str, tmp_path: Path
) -> None:
    checked = Recipe.of(said)
    made = tuple(Decision(key=k, value=v, reason=reason) for k, v in checked.said.items())
    text = resolved_toml(made, {name: (kind, reason) for name, kind in kinds.items()})
    (tmp_path / "resolved.toml").write_text(text, encoding="utf-8")
    assert read_recipe(tmp_path / "resolved.toml") == Recipe.of(said, kinds)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("training.epoch", "training.epochs"),
        ("optimizer", "training.optimizer"),
        ("netwrok.width", "network.width"),
        ("targt", "target"),
        ("epoch", "training.epochs"),
    ],
)
def test_an_unknown_key_names_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(RecipeError, match=f"Did you mean '{nearest}'"):
        Recipe.of({key: 1})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("training.epochs", "many"),
        ("seed", 1.5),
        ("seed", True),
        ("training.epochs", True),
        ("prepare.log", 1),
        ("size", 3),
        ("target", 3),
        ("evaluate.metric", ["rmse"]),
    ],
)
def test_a_wrong_type_is_refused(key: str, value: object) -> None:
    with pytest.raises(RecipeError, match=f"'{key}' has a value of the wrong type"):
        Recipe.of({key: value})


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("resnet50", "Did you mean 'residual'?"),
        ("Transformer", "Did you mean 'vit'?"),
        ("lenett", "Did you mean 'lenet'?"),
        ("something", "Choose one of these."),
    ],
)
def test_what_others_call_a_network_is_understood(said: str, advice: str) -> None:
    with pytest.raises(RecipeError, match=f"cannot be '{said}'") as caught:
        Recipe.of({"network.pictures": said})
    assert caught.value.do == advice


def test_a_whole_number_is_a_number() -> None:
    assert Recipe.of({"training.epochs": 3}).get("training.epochs") == 3.0


@pytest.mark.parametrize(
    "text",
    ["size = ", "[columns]\na = 3", "columns = 3", "[columns.a]\nb = 'number'", "\xff"],
)
def test_a_file_that_is_no_recipe_is_refused(text: str, tmp_path: Path) -> None:
    place = tmp_path / "recipe.toml"
    place.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecipeError) as caught:
        read_recipe(place)
    assert caught.value.where == str(place)
    assert caught.value.do


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('size = "small"\n\n[training]\nepochs = 3\nepoch = 4\n', 5, "no setting 'training.epoch'"),
        ('# a note\nsiez = "small"\n', 2, "no setting 'siez'"),
        ('size = "small"\n[ training ]\nepochs = "many"\n', 3, "value of the wrong type"),
        ('seed = 1\ntraining.epochs = "many"\n', 2, "value of the wrong type"),
        ("seed = 1\ntraining = { epochs = -1 }\n", 2, "out of its range"),
        ("[split]\nfolds = 2\n[network]\nfolds = 2\n", 4, "no setting 'network.folds'"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(
    text: str, line: int, what: str, tmp_path: Path
) -> None:
    place = tmp_path / "mine.toml"
    place.write_text(text)
    with pytest.raises(RecipeError) as caught:
        read_recipe(place)
    assert caught.value.where == f"{place}, line {line}"
    assert what in caught.value.what
    assert caught.value.do


def test_files_lie_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    (tmp_path / "recipe.toml").write_text('data = "rows.csv"\ntest = "elsewhere.csv"\n')
    recipe = read_recipe(tmp_path / "recipe.toml")
    assert recipe.get("data") == str(tmp_path / "rows.csv")
    assert recipe.get("test") == "elsewhere.csv"


def test_what_is_said_later_wins() -> None:
    first = Recipe.of({"seed": 1, "size": "small"}, {"a": "number"})
    assert first.with_said({"seed": 2, "size": None}, {"b": "flag"}) == Recipe.of(
        {"seed": 2, "size": "small"}, {"a": "number", "b": "flag"}
    )


def test_several_targets() -> None:
    assert Recipe.of({"target": "a, b"}).targets == ("a", "b")
    assert Recipe.of({"target": ["a, b", "c"]}).targets == ("a, b", "c")
    assert Recipe().targets == ()


@pytest.mark.parametrize(
    ("key", "do"),
    [
        ("lr", "Did you mean 'training.learning_rate'?"),
        ("training.lr", "Did you mean 'training.learning_rate'?"),
        ("max_epochs", "Did you mean 'training.epochs'?"),
        ("backbone", "Did you mean 'network.pictures'?"),
        ("training.epoch", "Did you mean 'training.epochs'?"),
        ("training.device", "Leave it out: a GPU is used where there is one, and "
         "CUDA_VISIBLE_DEVICES= hides it."),
    ],
)  # fmt: skip
def test_names_of_other_libraries_are_understood(key: str, do: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.of({key: 1})
    assert caught.value.do == do


def test_words_in_capitals_are_understood() -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.of({"network.pictures": "ViT"})
    assert caught.value.do == "Did you mean 'vit'?"


def test_a_learning_rate_of_nought_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"training\.learning_rate"):
        Recipe.of({"training.learning_rate": 0.0})
