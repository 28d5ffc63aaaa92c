"""Where runs lie."""

import shlex
from pathlib import Path

from fathom.base.errors import RecipeError, RunError
from fathom.base.files import check_name, storage_error
from fathom.workflow.recipe import Recipe
from fathom.workflow.run import Run


def check_free(out: str | Path | None) -> None:
    """Say at once, before anything is read, that a named folder is taken.

    Raises:
        RecipeError: it holds something already.
        StorageError: it cannot be looked at, as with names that are too long.
    """
    place = None if out is None else Path(out)
    if place is not None:
        check_name(place.absolute())
    try:
        if place is None or not (place.exists() or place.is_symlink()):
            return
        if place.is_dir() and not any(place.iterdir()):
            return
        got, do = _taken_by(place)
    except OSError as error:
        raise storage_error(Path(str(place)[:200]), error) from error
    raise RecipeError(
        "The run folder is taken.",
        where=str(place),
        expected="a folder that does not exist yet or is empty",
        got=got,
        do=do,
    )


def _taken_by(place: Path) -> tuple[str, str]:
    """What is there already, and what to do."""
    do = "Choose another --out."
    if not place.exists():
        return "a link to a place that does not exist", "Choose another --out, or remove the link."
    if not place.is_dir():
        return "a file" if place.is_file() else "a pipe or a device", do
    if not (place / "recipe.toml").exists():
        return "a folder with files in it", do
    if _finished(place):
        return "a finished run", do
    # To resume would train what was asked for then, not what is asked for now.
    again = f"fathom train --resume {shlex.quote(str(place))}"
    return (
        "an unfinished run",
        f"Choose another --out; to end the run that was begun there: {again}",
    )


def _finished(place: Path) -> bool:
    try:
        return Run(place).finished
    except RunError:
        return False  # its record is not written yet, or damaged


def new_folder(out: str | Path | None, recipe: Recipe) -> Path:
    """Make the run folder: the one that was named, or the next free one under runs/.

    Raises:
        RecipeError: the named folder holds something already.
        StorageError: it cannot be made.
    """
    place = Path(out) if out is not None else _next_free(Path("runs"), _name(recipe))
    check_free(place)
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe = place / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise storage_error(place, error) from error
    return place


def _name(recipe: Recipe) -> str:
    stem = Path(str(recipe.get("data", "run"))).name.split(".")[0]
    plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-")
    return plain or "run"


def _next_free(parent: Path, name: str) -> Path:
    number = 1
    while (parent / f"{name}-{number:03d}").exists():
        number += 1
    return parent / f"{name}-{number:03d}"
