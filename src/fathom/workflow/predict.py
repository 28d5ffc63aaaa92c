"""The verb predict: answers in the person's words, row by row, and a report on the input."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fathom.base.errors import RecipeError, listed, nearest
from fathom.base.files import write_atomically
from fathom.base.records import Finding
from fathom.columns.kind import Values
from fathom.heads.head import Answer
from fathom.inspection.gather import by_severity, gather
from fathom.inspection.repairs import is_unreadable, unreadable
from fathom.inspection.show import ANSWERS, as_text
from fathom.inspection.unfamiliar import Others, absent_inputs, unfamiliar
from fathom.models.model import average, class_names
from fathom.models.preparation import Column, Preparation
from fathom.tables.options import ReadOptions
from fathom.tables.read import read
from fathom.tables.read_folder import IMAGE, given_splits
from fathom.tables.schema import check_like
from fathom.tables.table import Source, Table
from fathom.workflow import bands as banding
from fathom.workflow.bands import Band
from fathom.workflow.run import Run, load
from fathom.workflow.unusual import marks, texts

FORMATS = (".csv", ".tsv", ".parquet", ".json", ".jsonl")
_MANY_CLASSES = 30
_MENDED = "Correct them in the file: a model answers such rows as if the cell were empty."


@dataclass(frozen=True)
class Predictions:
    """Answers to the rows of a table, in their order.

    Attributes:
        frame: a row per row of the input. "row" counts them from 1, the header not counted. A
            column of pictures that are files stands behind it, under its own name. For
            each target its answer under the target's own name; for numbers "<target>: low" and
            "<target>: high"; for classes "<target>: probability" of the answer, one column per
            class, and "<target>: set" (intervals and sets where the training held enough rows
            out). "unusual" says in which inputs the row is unlike the
            training rows; None = in none.
        input_report: what was unusual about the input, the gravest first.
        num_unusual: rows with a text under "unusual".
        answer_report: for which targets there are no intervals or sets, and why.
    """

    frame: pl.DataFrame
    input_report: tuple[Finding, ...]
    num_unusual: int = 0
    answer_report: tuple[Finding, ...] = ()

    def told(self) -> str:
        """The findings, gathered as a terminal shows them; "" where there are none."""
        found = by_severity(gather((*self.input_report, *self.answer_report)))
        return as_text(found, meaning=ANSWERS) if found else ""

    def __repr__(self) -> str:
        told = self.told()
        return f"{self.frame}\n{told}" if told else str(self.frame)

    def write(self, path: str | Path) -> None:
        """As CSV, TSV, Parquet, JSON or JSON lines, by the name's ending; whole or not at all.

        Raises:
            RecipeError: an unknown ending.
            StorageError: the place cannot be written to.
        """
        place = Path(path)
        ending = place.suffix.lower()
        if ending not in FORMATS:
            raise RecipeError(
                f"Predictions cannot be written as '{place.suffix}'.",
                where=str(place),
                expected=listed(FORMATS),
                got=f"'{place.suffix}'",
                do=nearest(ending, FORMATS) or "Choose one of these endings.",
            )
        write_atomically(place, lambda aside: self._write(aside, ending))

    def _write(self, path: Path, ending: str) -> None:
        if ending == ".parquet":
            self.frame.write_parquet(path)
        elif ending == ".json":
            self.frame.write_json(path)
        elif ending == ".jsonl":
            self.frame.write_ndjson(path)
        else:
            self.frame.write_csv(path, separator="\t" if ending == ".tsv" else ",")


def predict(run: Run | str | Path, data: object, options: ReadOptions | None = None) -> Predictions:
    """Answer every row.

    A column that is missing, a class never seen or a value out of range does not stop the
    prediction; it is reported beside it. Only a table that shares no column with the training
    table is refused.

    Args:
        run: a trained run, or its folder.
        data: a path, a data frame or anything else that `fathom.read` takes.
        options: how a text file is read; None = as the training file was.

    Raises:
        DataError: the table cannot be read.
        RecipeError: no column of it is known.
    """
    run = load(run)
    table = read_like_training(run, data, options)
    preparation = run.model.preparation
    check_columns(preparation, table)
    values = preparation.parse(table)
    per_part = run.model.answers_by_part(values)
    columns: list[pl.Series] = []
    for column in run.model.targets:
        answers = [answer[column.name] for answer in per_part]
        columns += _columns(run, column, answers)
    told = _unusual_rows(preparation, table, values)
    row = pl.Series("row", np.arange(1, table.num_rows + 1))
    unusual = pl.Series("unusual", told, dtype=pl.String)
    # Our names yield to those of targets, and those of pictures to all others.
    found = _unique([*columns, row, unusual, *_picture_names(preparation, table)])
    num = len(columns)
    report = input_report(preparation, table, values)
    frame = pl.DataFrame([found[num], *found[num + 2 :], *found[:num], found[num + 1]])
    return Predictions(frame, report, sum(map(bool, told)), _without_bands(run))


def _without_bands(run: Run) -> tuple[Finding, ...]:
    """Targets whose answers come without an interval or a set, with the reason."""
    found: list[Finding] = []
    for column in run.model.targets:
        band = run.bands.get(column.name)
        if band is not None and band.method == "none":
            what = "an interval" if column.kind.name == "number" else "a set of classes"
            found.append(
                Finding(
                    code="no_interval",
                    severity="low",
                    title=f"Answers for '{column.name}' come without {what}.",
                    evidence=f"In the training: {band.reason}.",
                    advice="Train with more rows, or in folds (split.folds = 5), where each row "
                    "is held out in its turn.",
                    columns=(column.name,),
                )
            )
    return tuple(found)


def _picture_names(preparation: Preparation, table: Table) -> list[pl.Series]:
    """Which picture each row is about, as folder or table name it; bytes have no name."""
    named = [column.name for column in preparation.inputs
             if column.kind.name == "image" and column.name in table.columns]  # fmt: skip
    cells = [table.column(name).alias(name) for name in named]
    return [series for series in cells if series.dtype == pl.String]


def read_like_training(run: Run, data: object, options: ReadOptions | None = None) -> Table:
    """Read a table as the training table was read.

    A file without a header gets the training table's names, where the number of columns fits,
    with or without the targets, in the training table's order. Pictures of a folder are those of
    the only input, whatever its name. Of a place with splits it is the one to test on.

    Args:
        run: a trained run.
        data: a path, a data frame or anything else that `fathom.read` takes.
        options: how a text file is read; None = by the settings of the training file, where this
            one has the same ending.
    """
    table = _as_only_input(run, read(_tested(data), options or _options_of(run, data)))
    named = options is not None and options.names is not None
    check_like(table, run.record["columns"])
    if table.source.header or named:
        return table
    return _named_by_position(run, table)


_SPLIT_TAKEN = "split_taken"


def _tested(data: object) -> object:
    """The split to test on of a place that holds several; else what was given, perhaps read."""
    whole, test, _ = given_splits(data)
    if not isinstance(test, Table):
        return whole
    told = Finding(
        code=_SPLIT_TAKEN,
        severity="low",
        title="Of several splits the one to test on is taken.",
        evidence=f"{test.source.name}: {test.num_rows:,} rows.",
        advice="For other rows, name their folder, or a file that holds nothing else.",
    )
    return replace(test, notes=(*test.notes, told))


def _options_of(run: Run, data: object) -> ReadOptions:
    decided = run.record["decided"]
    same = isinstance(data, str | Path) and Path(data).suffix == Path(decided["data"]).suffix
    if not same:
        return ReadOptions()
    return ReadOptions(delimiter=decided.get("delimiter"), encoding=decided.get("encoding"))


def _as_only_input(run: Run, table: Table) -> Table:
    inputs = [(column.name, column.kind.name) for column in run.model.preparation.inputs]
    if table.source.format != "pictures" or len(inputs) != 1 or inputs[0][1] != "image":
        return table
    name = inputs[0][0]
    known = name in table.columns
    return table if known else replace(table, frame=table.frame.rename({IMAGE: name}))


def _named_by_position(run: Run, table: Table) -> Table:
    known = run.record["columns"]
    targets = [column.name for column in run.model.targets]
    inputs = [name for name in known if name not in targets]
    for names in (known, inputs):
        if len(names) == len(table.columns):
            renamed = table.frame.rename(dict(zip(table.columns, names, strict=True)))
            source = Source(name=table.source.name, format=table.source.format)
            return Table(renamed, source, table.notes)
    return table


def check_columns(preparation: Preparation, table: Table) -> None:
    """At least one input must be there.

    Raises:
        RecipeError: none is.
    """
    wanted = [column.name for column in preparation.inputs]
    if not set(wanted) & set(table.columns):
        raise RecipeError(
            "The table has none of the columns that the model was trained on.",
            where=table.source.name,
            expected=listed(wanted),
            got=listed(table.columns),
            do="Check the header; for a file without one, pass --names.",
        )


def _unusual_rows(
    preparation: Preparation, table: Table, values: Mapping[str, Values]
) -> list[str | None]:
    """What is unusual about each row."""
    raw = {name: table.column(name) for name in table.columns}
    found = {
        column.name: marks(column, raw.get(column.name), values[column.name])
        for column in preparation.inputs
    }
    return texts(found, table.num_rows)


def input_report(
    preparation: Preparation, table: Table, values: Mapping[str, Values]
) -> tuple[Finding, ...]:
    """Missing columns, unseen words, values out of range, more gaps than in training."""
    others = Others("given table", table.num_rows)
    lacking = [c.name for c in preparation.inputs if c.name not in table.columns]
    advice = "They count as missing in every row: bring them, or expect worse answers."
    found = absent_inputs(lacking, others, advice)
    for column in preparation.inputs:
        if column.name not in lacking:
            found += _unusual(column, values[column.name], others)
    taken = [note for note in table.notes if note.code == _SPLIT_TAKEN]
    return by_severity([*found, *_unknown(preparation, table), *taken])


def _unknown(preparation: Preparation, table: Table) -> list[Finding]:
    """Columns that no one will look at, unless they were left out or set aside in training."""
    known = [column.name for column in (*preparation.inputs, *preparation.targets)]
    more = [name for name in table.columns if name not in known]
    return [Finding(code="columns_unused", severity="low", title="Some columns are not used.",
                    evidence=f"The model uses no {listed(more)}.",
                    advice="Check their names, if they should matter; resolved.toml of the run "
                    "says which columns were left out in training, and why.",
                    columns=tuple(more))] if more else []  # fmt: skip


def _unusual(column: Column, values: Values, others: Others) -> list[Finding]:
    fitted: Any = column.fitted
    strange = fitted.strange(values)
    found = [
        unfamiliar(column.name, column.kind.name, repair, others, strange)
        for repair in fitted.unfamiliar(values)
    ]
    found += [
        unreadable(column.name, column.kind.name, repair, others.num_rows, _MENDED)
        for repair in values.repairs
        if is_unreadable(repair)
    ]
    before = fitted.num_missing / max(fitted.num_missing + fitted.count, 1)
    gone = ~values.present
    if column.kind.name == "image":  # whether a file is a picture shows when it is decoded
        gone = gone | strange
    now = float(gone.mean()) if len(values) else 0.0
    # Three standard errors and five points more than in training: no play of chance.
    if now > before + 0.05 and now > before + 3 * np.sqrt(max(before, 0.01) / max(len(values), 1)):
        found.append(
            Finding(
                code="more_missing",
                severity="medium",
                title=f"'{column.name}' is missing or unreadable more often than in training.",
                evidence=f"{100 * now:.1f} % of the rows, {100 * before:.1f} % in training",
                advice="See whether the column is still filled as it was.",
                columns=(column.name,),
                facts={"now": now, "training": before},
            )
        )
    return found


def _columns(run: Run, column: Column, answers: list[Answer]) -> list[pl.Series]:
    common = average(answers)
    band = run.bands.get(column.name, Band("none", 0.9, "there is none"))
    if common.value is not None:
        return _number_columns(column, common, banding.interval(band, answers, common))
    assert common.probability is not None, "what is no number has probabilities"
    names = class_names(column)
    if column.kind.name == "set":
        chosen = [
            [n for n, p in zip(names, row, strict=True) if p >= 0.5] for row in common.probability
        ]
        return [
            pl.Series(column.name, ["|".join(row) for row in chosen]),
            *_probabilities(column, names, common.probability),
        ]
    threshold = run.answers["thresholds"].get(column.name)
    code = common.probability.argmax(1)
    if threshold is not None and len(names) == 2:
        code = (common.probability[:, 1] >= threshold).astype(np.int64)
    sure = common.probability[np.arange(len(code)), code]
    found = [
        pl.Series(column.name, [names[c] for c in code], dtype=pl.String),
        pl.Series(f"{column.name}: probability", sure),
    ]
    inside = banding.sets(band, answers, common)
    if inside is not None:
        texts = [
            "|".join(n for n, there in zip(names, row, strict=True) if there) for row in inside
        ]
        found.append(pl.Series(f"{column.name}: set", texts, dtype=pl.String))
    return [*found, *_probabilities(column, names, common.probability)]


def _number_columns(column: Column, common: Answer, bounds: np.ndarray | None) -> list[pl.Series]:
    found = [pl.Series(column.name, common.value)]
    if bounds is not None:
        found.append(pl.Series(f"{column.name}: low", bounds[:, 0]))
        found.append(pl.Series(f"{column.name}: high", bounds[:, 1]))
    return found


def _probabilities(
    column: Column, names: tuple[str, ...], probability: np.ndarray
) -> list[pl.Series]:
    if len(names) > _MANY_CLASSES:
        return []
    return [
        pl.Series(f"{column.name}: p({name})", probability[:, place])
        for place, name in enumerate(names)
    ]


def _unique(columns: list[pl.Series]) -> list[pl.Series]:
    """Column names that the person's own words made equal are told apart by a number."""
    seen: dict[str, int] = {}
    found: list[pl.Series] = []
    for series in columns:
        count = seen.get(series.name, 0)
        seen[series.name] = count + 1
        found.append(series if count == 0 else series.alias(f"{series.name} ({count + 1})"))
    return found
