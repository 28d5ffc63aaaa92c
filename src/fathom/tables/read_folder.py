"""Folders of pictures: one for each class, perhaps within train, val and test; or IDX files."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from fathom.base.errors import DataError, listed
from fathom.base.files import spelled
from fathom.base.records import Finding
from fathom.columns.picture import PICTURE_ENDINGS
from fathom.tables.read_idx import cells_of, read_idx
from fathom.tables.read_npz import is_npz, read_npz
from fathom.tables.split_names import SPLITS
from fathom.tables.table import Source, Table

IMAGE, LABEL = "image", "class"
# What a Mac packs beside everything: notes on files, under the names of the files.
_MAC = "__MACOSX"
_IDX = re.compile(r"(?P<part>.*?)[-_.]?(?P<what>images|labels)[-_.].*idx\d.*", re.IGNORECASE)


def read_splits(folder: Path) -> dict[str, Table]:
    """The tables of a folder of pictures by split: "train", "validation", "test".

    A folder without folders of that name is all "train".

    Raises:
        DataError: it holds no pictures in a form that is known.
    """
    pairs = _idx_pairs(folder)
    if pairs:
        return {split: _of_arrays(folder, *files) for split, files in pairs.items()}
    inside = {item.name.lower(): item for item in _folders(folder)}
    given = {
        split: next(inside[name] for name in names if name in inside)
        for split, names in SPLITS.items()
        if set(names) & set(inside)
    }
    if "train" in given:
        found = {split: _of_classes(place, folder) for split, place in given.items()}
        train, told = found["train"], _beside_splits(folder, list(given.values()))
        return found | {"train": replace(train, notes=(*train.notes, *told))}
    return {"train": _of_classes(folder, folder)}


def given_splits(
    data: object, test: object = None, validation: object = None
) -> tuple[object, object, object]:
    """Rows to learn from, to test and to choose on; one place with splits may stand for all three.

    That is a folder of pictures or an .npz file of arrays; what is named beside it wins.

    Args:
        data: whatever `read` takes.
        test, validation: likewise, or None.
    """
    if not is_folder(data) and not is_npz(data):
        return data, test, validation
    path = Path(str(data)).expanduser()
    found = read_npz(path) if is_npz(data) else read_splits(path)
    test = found.get("test") if test is None else test
    validation = found.get("validation") if validation is None else validation
    return found["train"], test, validation


def read_pictures(place: Path) -> Table:
    """The pictures of a folder or an .npz file that has no splits.

    Raises:
        DataError: it holds none, or several splits, of which one must be named.
    """
    arrays = is_npz(place)
    found = read_npz(place) if arrays else read_splits(place)
    if len(found) == 1:
        return found["train"]
    one = "a file with the arrays" if arrays else "the folder"
    raise DataError(
        f"The {'file' if arrays else 'folder'} holds several splits.",
        where=str(place),
        expected="pictures of one split, or a training with all of them",
        got=listed(found),
        do=f"Name {one} of one split.",
    )


def is_picture_file(source: object) -> bool:
    """Whether it is the path of a file that is called like a picture."""
    try:
        path = Path(source).expanduser() if isinstance(source, str | Path) else None
        return path is not None and _is_picture(path)
    except (OSError, ValueError):  # no name that a file can have
        return False


def read_picture_file(place: Path) -> Table:
    """One picture as a table of one row.

    Raises:
        DataError: its name is no text.
    """
    names, notes = _with_letters([place.name], place.parent)
    return Table(pl.DataFrame({IMAGE: names}), _source(place, place.parent), notes)


def is_folder(source: object) -> bool:
    """Whether it is the path of a folder."""
    try:
        return isinstance(source, str | Path) and Path(source).expanduser().is_dir()
    except OSError:  # longer than a path may be
        return False


def _folders(folder: Path) -> list[Path]:
    inside = (item for item in folder.iterdir() if item.is_dir())
    return sorted(item for item in inside if item.name[0] != "." and item.name != _MAC)


def _of_classes(place: Path, root: Path) -> Table:
    found = [
        (str(file.relative_to(root)), kind.name)
        for kind in _folders(place)
        for file in sorted(kind.rglob("*"))
        if _is_picture(file)
    ]
    if found:
        names, notes = _with_letters([name for name, _ in found], place)
        rows = dict(found)
        frame = pl.DataFrame({IMAGE: names, LABEL: [rows[name] for name in names]})
        told = (*_empty_classes(place, found), *_beside_classes(place))
        return Table(frame, _source(place, root), (*notes, *told))
    loose = [str(file.relative_to(root)) for file in sorted(place.iterdir()) if _is_picture(file)]
    if not loose:
        raise _no_pictures(place)
    names, notes = _with_letters(loose, place)
    return Table(pl.DataFrame({IMAGE: names}), _source(place, root), notes)


def _with_letters(names: list[str], place: Path) -> tuple[list[str], tuple[Finding, ...]]:
    """The names that can be cells, and what is told of the others.

    Some systems take any bytes as a file's name; a table holds nothing but text.

    Raises:
        DataError: there is no other name.
    """
    good = [name for name in names if spelled(name) == name]
    lost = [spelled(name) for name in names if spelled(name) != name]
    if not lost:
        return good, ()
    if not good:
        raise DataError(
            "The names of all pictures hold bytes that are no letters.",
            where=spelled(str(place)),
            expected="names of files and folders in UTF-8",
            got=listed(lost, most=3),
            do="Rename them.",
        )
    one = len(lost) == 1
    told = Finding(
        code="names_not_text",
        severity="medium",
        title=f"{len(lost):,} picture{' is' if one else 's are'} left out for "
        f"{'its name' if one else 'their names'}.",
        evidence=f"{len(lost):,} of {len(names):,} names hold bytes that are no letters (UTF-8): "
        f"{listed(lost, most=3)}.",
        advice="Rename these files, or the folders that they lie in.",
        facts={"count": len(lost), "share": len(lost) / len(names)},
    )
    return good, (told,)


def _empty_classes(place: Path, rows: list[tuple[str, str]]) -> tuple[Finding, ...]:
    """Folders that may have been meant as classes."""
    found = {label for _, label in rows}
    empty = tuple(spelled(kind.name) for kind in _folders(place) if kind.name not in found)
    if not empty:
        return ()
    one = len(empty) == 1
    return (
        Finding(
            code="class_without_pictures",
            severity="medium",
            title=f"The folder{'' if one else 's'} {listed(empty)} hold{'s' if one else ''} no "
            "pictures.",
            evidence=f"{len(found)} of {len(found) + len(empty)} folders in {place} are classes; "
            "the model will never give the others as an answer.",
            advice="Put pictures there, check their endings, or delete what is no class.",
            facts={"folders": list(empty)},
        ),
    )


def _beside_classes(place: Path) -> tuple[Finding, ...]:
    """Pictures that lie in no folder of a class."""
    loose = [spelled(file.name) for file in sorted(place.iterdir()) if _is_picture(file)]
    if not loose:
        return ()
    one = len(loose) == 1
    return (
        Finding(
            code="pictures_beside_classes",
            severity="low" if one else "medium",
            title=f"{len(loose):,} picture{' lies' if one else 's lie'} in no folder of a class.",
            evidence=f"Beside the folders in {place}: {listed(loose, most=3)}. "
            f"{'It is' if one else 'They are'} not read.",
            advice="Put them into the folders of their classes, or away.",
            facts={"count": len(loose)},
        ),
    )


def _beside_splits(folder: Path, splits: list[Path]) -> tuple[Finding, ...]:
    """Folders of pictures that are no split and may have been meant as one, or as a class."""
    beside = [place for place in _folders(folder) if place not in splits]
    left = [spelled(place.name) for place in beside if any(map(_is_picture, place.rglob("*")))]
    if not left:
        return ()
    one, known = len(left) == 1, listed(place.name for place in splits)
    return (
        Finding(
            code="folders_beside_splits",
            severity="low",
            title=f"The pictures in the folder{'s' * (not one)} {listed(left)} are not read.",
            evidence=f"{folder} holds {known}, read as {'splits' if len(splits) > 1 else 'a split'}"
            f"; what lies beside {'them' if len(splits) > 1 else 'it'} is left out.",
            advice="Nothing to do if they are masks or the like. If they are classes, put all "
            "classes into a folder of their own; if they are splits, call them train, val or test.",
            facts={"folders": left},
        ),
    )


def _no_pictures(place: Path) -> DataError:
    inside = sorted(spelled(item.name) for item in place.iterdir())
    return DataError(
        "A folder was named that holds no pictures.",
        where=str(place),
        expected="a folder for each class with pictures in it, or one file with a table",
        got=f"a folder with {len(inside):,} files and folders: {listed(inside, most=5)}",
        do="Name one of the files, or sort pictures into folders by class.",
    )


def _is_picture(file: Path) -> bool:
    ending = file.suffix.lower() in PICTURE_ENDINGS
    return ending and file.name[0] != "." and file.is_file()


def _of_arrays(folder: Path, images: Path, labels: Path) -> Table:
    pixels, classes = read_idx(images), read_idx(labels)
    if len(pixels) != len(classes) or classes.ndim != 1:
        raise DataError(
            "Pictures and labels are not of one length.",
            where=f"{images} and {labels.name}",
            expected=f"{len(pixels):,} labels",
            got=f"labels with the axes {classes.shape}",
            do="Fetch both files again.",
        )
    cells = pl.Series(IMAGE, cells_of(pixels, str(images)), dtype=pl.Binary)
    frame = pl.DataFrame([cells, pl.Series(LABEL, classes.astype(str), dtype=pl.String)])
    return Table(frame, _source(images, folder))


def _idx_pairs(folder: Path) -> Mapping[str, tuple[Path, Path]]:
    """Files of pictures with their files of labels, by split."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        match = _IDX.fullmatch(file.name)
        if match and file.is_file():
            found.setdefault(match["part"].lower(), {})[match["what"].lower()] = file
    pairs: dict[str, tuple[Path, Path]] = {}
    for split, names in SPLITS.items():
        for name in names:
            files = found.get(name, {})
            if "images" in files and "labels" in files:
                pairs.setdefault(split, (files["images"], files["labels"]))
    return pairs if "train" in pairs else {}


def _source(place: Path, root: Path) -> Source:
    return Source(name=str(place), format="pictures", paths=(str(place),), folder=str(root))
