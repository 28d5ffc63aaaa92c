"""Learning without a run folder: the same plans and networks, no test, no report."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from fathom.models.model import Model, load_model, save_model
from fathom.tables.schema import infer_schema
from fathom.workflow.learn import Learned, learn
from fathom.workflow.material import gather
from fathom.workflow.ready import targets_of
from fathom.workflow.recipe import Recipe
from fathom.workflow.resolve import resolve
from fathom.workflow.study import Study, circumstances, study
from fathom.workflow.train import settle


def learn_in_memory(recipe: Recipe, data: object) -> Learned:
    """Train on all rows of a table and keep nothing on disk.

    No row is held out for a test, there are no baselines and no findings. Columns that give the
    target away are kept, unless "prepare.drop_leaks" was said: who calls this chose the columns.

    Args:
        recipe: what was asked for; "split.test_share" is set to 0.
        data: anything that `read` takes, target included.

    Raises:
        FathomError: as the parts say.

    Example:
        >>> said = {"target": "y", "training.epochs": 1, "network.members": 2, "split.folds": 0}
        >>> rows = {"x": [n / 7 for n in range(60)], "y": [n % 11 / 3 for n in range(60)]}
        >>> learned = learn_in_memory(Recipe.of(said, {"x": "number", "y": "number"}), rows)
        >>> [column.name for column in learned.model.targets]
        ['y']
    """
    recipe = recipe.with_said({"split.test_share": 0.0}, {})
    made = study(recipe, data) if recipe.get("prepare.drop_leaks") else _unlooked(recipe, data)
    learned = learn(made.material, made.schema, made.resolved)
    return settle(made, learned)[0]


def _unlooked(recipe: Recipe, data: object) -> Study:
    """A study without findings; looking for them costs more than training a tiny model."""
    material = gather(recipe, data)
    schema = infer_schema(material.train, material.roles)
    targets = targets_of(material, schema)
    facts = circumstances(recipe, material, schema, targets)
    return Study(recipe, material, schema, (), {}, targets, resolve(recipe, facts))


def model_to_bytes(model: Model) -> dict[str, bytes]:
    """The files of a model by name: JSON and safetensors, no code."""
    with TemporaryDirectory() as place:
        save_model(model, Path(place))
        return {file.name: file.read_bytes() for file in sorted(Path(place).iterdir())}


def model_from_bytes(files: Mapping[str, bytes]) -> Model:
    """The model of `model_to_bytes`.

    Raises:
        RunError: a file is missing, damaged or of a newer make.
    """
    with TemporaryDirectory() as place:
        for name in ("preparation.json", "model.safetensors"):
            if name in files:
                (Path(place) / name).write_bytes(files[name])
        return load_model(Path(place))
