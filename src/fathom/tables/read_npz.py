"""Arrays of pictures with their labels in one .npz file, perhaps for several splits."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from fathom.base.errors import DataError, listed
from fathom.base.records import Finding
from fathom.tables.archive import read_archive
from fathom.tables.options import DEFAULTS
from fathom.tables.read_idx import cells_of
from fathom.tables.read_memory import read_memory
from fathom.tables.split_names import SPLITS, split_called
from fathom.tables.table import Source, Table

_Arrays = dict[str, np.ndarray]


def is_npz(source: object) -> bool:
    """Whether it is the path of an .npz file."""
    try:
        path = Path(source).expanduser() if isinstance(source, str | Path) else None
        return path is not None and path.suffix.lower() == ".npz" and path.is_file()
    except OSError:  # longer than a path may be
        return False


def read_npz(path: Path) -> dict[str, Table]:
    """The tables of an .npz file by split: "train", "validation", "test".

    Each array of three or four axes is a column of pictures, each other one a column of values,
    by its name: `images` and `labels`. In `x_train`, `y_train`, `x_test` or `train_images` the
    names say the splits as well; without them all is "train".

    Args:
        path: of the file.

    Raises:
        DataError: it is damaged, or its arrays are not pictures with a value for each.
    """
    parts = _by_split(path, read_archive(path))
    highest = {
        name: _highest(array, f"{path}, array '{name}'")
        for name, array in reversed([pair for part in parts.values() for pair in part.items()])
        if _are_pictures(array)
    }
    several = len(parts) > 1
    return {
        split: _table(path, arrays, highest, f", the arrays of '{split}'" if several else "")
        for split, arrays in parts.items()
    }


def _by_split(path: Path, arrays: _Arrays) -> dict[str, _Arrays]:
    """The arrays of each split, by the rest of their names, training first."""
    named = [(_split_in(name), name, array) for name, array in arrays.items()]
    splits = {split for (split, _), _, _ in named if split}
    found: dict[str, _Arrays] = {split: {} for split in SPLITS if split in splits}
    lost = [name for (split, _), name, _ in named if not split]
    twice: list[str] = []
    for (split, rest), name, array in named if splits else []:
        if split:
            twice += [name] if rest in found[split] else []
            found[split][rest] = array
    if splits and (lost or twice or len({frozenset(part) for part in found.values()}) > 1):
        raise DataError(
            "The names of the arrays do not say clearly to which split each belongs.",
            where=str(path),
            expected="the same arrays for each split, such as x_train, y_train, x_test, y_test",
            got=listed(arrays),
            do="Rename the arrays, or leave out what belongs to no split.",
        )
    if len(found) == 1:  # a file for one split alone
        return {"train": next(iter(found.values()))}
    if found and "train" not in found:
        raise DataError(
            "The archive has several splits, but none to learn from.",
            where=str(path),
            expected="arrays whose names say 'train'",
            got=listed(arrays),
            do="Rename the arrays.",
        )
    return found or {"train": arrays}


def _split_in(name: str) -> tuple[str, str]:
    """The split that an array's name says, "" for none, and the rest of the name.

    Example:
        >>> _split_in("x_train"), _split_in("test-images"), _split_in("latest")
        (('train', 'x'), ('test', 'images'), ('', 'latest'))
    """
    words = re.split(r"[_.\-\s/]+", name)
    for place in (0, -1) if len(words) > 1 else ():
        split = split_called(words[place])
        if split:
            return split, "_".join(words[1:] if place == 0 else words[:-1])
    return "", name


def _table(path: Path, arrays: _Arrays, highest: Mapping[str, float], part: str) -> Table:
    where = f"{path}{part}"
    shaped = {
        name: array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        for name, array in arrays.items()
    }
    pictures = {name: array for name, array in shaped.items() if _are_pictures(array)}
    values = {name: array for name, array in shaped.items() if array.ndim == 1}
    _check_shapes(where, shaped, pictures, values)
    cells = [
        pl.Series(name, _cells(array, f"{where}, array '{name}'", highest[name]), dtype=pl.Binary)
        for name, array in pictures.items()
    ]
    frame = pl.DataFrame(cells)
    if values:
        frame = pl.DataFrame([*cells, *read_memory(_readable(values), DEFAULTS).frame])
    notes = [_scaled(where, name) for name in pictures if _is_scaled(pictures[name], highest[name])]
    return Table(frame, Source(name=str(path), format="npz", paths=(str(path),)), tuple(notes))


def _are_pictures(array: np.ndarray) -> bool:
    return array.ndim in (3, 4) and array.dtype.kind in "biuf"


def _readable(values: _Arrays) -> _Arrays:
    """Texts of bytes as texts."""
    return {
        name: np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
        for name, array in values.items()
    }


def _check_shapes(where: str, arrays: _Arrays, pictures: _Arrays, values: _Arrays) -> None:
    shapes = listed([f"{name} {array.dtype} {array.shape}" for name, array in arrays.items()])
    odd = [name for name in arrays if name not in pictures and name not in values]
    empty = [name for name in pictures if 0 in arrays[name].shape[1:]]
    if odd or empty or not pictures:
        raise DataError(
            "The arrays are not pictures with a value for each.",
            where=where + (f", array '{(odd or empty)[0]}'" if odd or empty else ""),
            expected="pictures with the axes (pictures, height, width), (…, height, width, "
            "channels) or (…, channels, height, width), and arrays with one axis beside them",
            got=shapes,
            do="Bring the array into such a form, or leave it out of the file; a plain table is "
            "better saved as CSV or Parquet.",
        )
    if len({len(array) for array in arrays.values()}) > 1:
        raise DataError(
            "The arrays are not of one length.",
            where=where,
            expected="a value of each array for each picture",
            got=shapes,
            do="Leave out what does not belong to single pictures, or mend the arrays.",
        )


def _highest(array: np.ndarray, where: str) -> float:
    """The largest value, which says whether white is 1 or 255."""
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not (low >= 0 and high <= 255):  # NaN is neither
        raise DataError(
            "The values of the array are not those of pictures.",
            where=where,
            expected="whole numbers or floats from 0 to 255, or floats from 0 to 1",
            got=f"values from {low:g} to {high:g}",
            do="Undo what was done to the pixels (a mean taken off, a scale), and save them again.",
        )
    return high


def _is_scaled(array: np.ndarray, highest: float) -> bool:
    return array.dtype.kind in "bf" and highest <= 1


def _cells(array: np.ndarray, where: str, highest: float) -> list[bytes]:
    """Pictures as the bytes of files.

    Args:
        array: of one split.
        where: for the errors.
        highest: value of the training pictures, so that all splits are read alike.
    """
    own = _highest(array, where)
    if _is_scaled(array, highest):
        if own > 1:
            raise DataError(
                "The splits of the archive are not on one scale.",
                where=where,
                expected="floats from 0 to 1, as for training",
                got=f"values up to {own:g}",
                do="Save all splits on the same scale.",
            )
        array = array * np.float32(255)
    if array.dtype.kind == "f":
        array = array.round().clip(0, 255)
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    return cells_of(array.astype(np.uint8, copy=False), where)


def _scaled(where: str, name: str) -> Finding:
    return Finding(
        code="pictures_scaled",
        severity="low",
        title=f"The pictures of '{name}' were brought from 0 to 1 to 0 to 255.",
        evidence=f"No value of '{name}' in {where} is above 1; each was multiplied by 255 and "
        "rounded.",
        advice="If the values were of 0 to 255 and all dark, save them as whole numbers.",
        columns=(name,),
    )
