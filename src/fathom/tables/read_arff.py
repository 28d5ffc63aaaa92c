"""ARFF: attributes with declared types, then rows; dense or sparse, quoted in either way."""

import re
from dataclasses import dataclass

import polars as pl

from fathom.base.errors import DataError, listed
from fathom.base.records import Finding
from fathom.tables import notes
from fathom.tables.contents import Content, decode
from fathom.tables.irregular import Mended
from fathom.tables.limits import TIMES_OBJECTS, check_height, check_size, check_width
from fathom.tables.names import unique_names
from fathom.tables.options import ReadOptions
from fathom.tables.table import Source, Table
from fathom.tables.tidy import without_blanks

_QUOTED = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
_ATTRIBUTE = re.compile(rf"@attribute\s+(?:{_QUOTED}|(\S+?))\s*(\{{.*|\s\S.*)$", re.I | re.S)
_CELL = re.compile(rf"\s*(?:{_QUOTED}|([^,]*?))\s*(,|$)", re.S)
_BLANK_CELL = re.compile(rf"\s*(?:{_QUOTED}|(\S+))(\s+|$)", re.S)
_SPARSE_CELL = re.compile(rf"\s*(\d+)\s+(?:{_QUOTED}|([^,]*?))\s*(,|$)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_NUMERIC = ("numeric", "real", "integer")


@dataclass(frozen=True)
class _Attribute:
    """One declared column.

    Attributes:
        name: as declared.
        kind: "numeric", "nominal", "string" or "date".
        levels: of a nominal column, in the declared order.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()

    @property
    def default(self) -> str:
        """What a sparse row leaves out: zero, which for a nominal column is its first level."""
        if self.kind == "numeric":
            return "0"
        return self.levels[0] if self.levels else ""


def read_arff(content: Content, options: ReadOptions) -> Table:
    """A table from an ARFF file, all cells as strings, the declared kinds in its source.

    A `?` without quotes is a missing cell, as the format has it, unless the column declares "?"
    as one of its levels: then it is that level.

    Raises:
        DataError: it is not ARFF, or a row has too many cells.
        RecipeError: an option was set that has no effect on ARFF.
    """
    options.refuse_text_options("ARFF", encoding=True)
    check_size(len(content.data), str(content.path), "the unpacked file", TIMES_OBJECTS)
    decoded = decode(content, options.encoding)
    where = str(content.path)
    lines = decoded.data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    attributes, start = _declarations(lines, where)
    check_width(len(attributes), options.columns_limit, where)
    names, told = unique_names([attribute.name for attribute in attributes], where)
    mended = Mended.of_width(len(attributes))
    for number, line in enumerate(lines[start:], start=start + 1):
        if line.strip() and not line.lstrip().startswith("%"):
            _add_row(line.strip(), attributes, mended, f"{where}, line {number}")
    check_height(mended.num_rows, where, "declarations and no rows below @data")
    frame, blanks = without_blanks(mended.frame())
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    levels = {
        name: attribute.levels
        for name, attribute in zip(names, attributes, strict=True)
        if attribute.kind == "nominal"
    }
    source = Source(
        name=content.path.name,
        format="arff",
        paths=(where,),
        encoding=decoded.encoding,
        delimiter=",",
        declared={name: each.kind for name, each in zip(names, attributes, strict=True)},
        levels=levels,
    )
    found = [*decoded.notes, *told, *notes.mended(mended, len(attributes), 0)]
    found += notes.blanks_removed(names, blanks)
    found += [note for name in levels for note in _undeclared(frame[name], levels[name])]
    return Table(frame, source, tuple(found))


def _declarations(lines: list[str], where: str) -> tuple[list[_Attribute], int]:
    """The attributes, and the index of the first line of data."""
    attributes: list[_Attribute] = []
    for index, raw in enumerate(lines):
        line = raw.strip()
        keyword = line.split(maxsplit=1)[0].lower() if line else ""
        if keyword == "@data" and attributes:
            return attributes, index + 1
        if keyword == "@attribute":
            attributes.append(_attribute(line, f"{where}, line {index + 1}"))
        elif line and not line.startswith("%") and keyword != "@relation":
            raise _not_arff(f"{where}, line {index + 1}", line[:60])
    raise _not_arff(where, f"{len(attributes)} @attribute lines and no @data line after them")


def _not_arff(where: str, got: str) -> DataError:
    return DataError(
        "The file is not valid ARFF.",
        where=where,
        expected="@relation, then @attribute lines, then @data and the rows",
        got=got,
        do="Mend the line; if the file ends there, it was probably cut short: fetch it again.",
    )


def _attribute(line: str, where: str) -> _Attribute:
    found = _ATTRIBUTE.match(line)
    if not found:
        raise _not_arff(where, line[:60])
    name, _ = _token(found[1], found[2], found[3])
    declared = found[4].strip()
    if declared.startswith("{"):
        closing = declared.rfind("}")
        if closing < 0:
            raise _not_arff(where, f"levels without a closing brace: {declared[:40]}")
        levels = [level for level, _ in _tokens(declared[1:closing], _CELL) if level]
        return _Attribute(name, "nominal", tuple(levels))
    kind = declared.split()[0].split("[")[0].lower()
    if kind in _NUMERIC:
        return _Attribute(name, "numeric")
    if kind in ("string", "date"):
        return _Attribute(name, kind)
    raise DataError(
        "An attribute has a type that is not read.",
        where=where,
        expected="numeric, real, integer, string, date or {levels}",
        got=declared[:40],
        do="Write the attribute as one of these types, or leave it out.",
    )


def _token(single: str | None, double: str | None, bare: str | None) -> tuple[str, bool]:
    """What stands in a cell without its quotes, and whether it had some."""
    quoted = single if single is not None else double
    if quoted is None:
        return (bare or "").strip(), False
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), quoted).strip(), True


def _tokens(text: str, pattern: re.Pattern[str]) -> list[tuple[str, bool]]:
    tokens: list[tuple[str, bool]] = []
    position, separator = 0, ","
    while separator:
        found = pattern.match(text, position)
        assert found is not None, "the last alternative takes whatever the others leave"
        tokens.append(_token(found[1], found[2], found[3]))
        position, separator = found.end(), found[4]
    return tokens


def _add_row(line: str, attributes: list[_Attribute], mended: Mended, where: str) -> None:
    if line.startswith("{"):
        mended.add(_sparse(line, attributes, where))
        return
    if len(attributes) > 1 and "," not in line:
        tokens = _tokens(line, _BLANK_CELL)
    elif any(sign in line for sign in "'\"\\"):
        tokens = _tokens(line, _CELL)
    else:
        tokens = [(cell.strip(), False) for cell in line.split(",")]
    beyond = tokens[len(attributes) :]
    if any(cell for cell, _ in beyond):
        raise DataError(
            "A row has more cells than there are attributes.",
            where=where,
            expected=f"{len(attributes)} cells",
            got=f"{len(tokens)} cells: {listed((cell[:20] for cell, _ in tokens), most=6)}",
            do="Probably a cell holds a comma and is not quoted: mend the line.",
        )
    row = [
        _known(cell, quoted, attribute)
        for (cell, quoted), attribute in zip(tokens, attributes, strict=False)
    ]
    mended.fit([*row, *(cell for cell, _ in beyond)])


def _known(cell: str, quoted: bool, attribute: _Attribute) -> str:
    missing = cell == "?" and not quoted and "?" not in attribute.levels
    return "" if missing else cell


def _sparse(line: str, attributes: list[_Attribute], where: str) -> list[str]:
    row = [attribute.default for attribute in attributes]
    inside, brace, rest = line[1:].rpartition("}")
    position, separator = 0, "," if inside.strip() else ""
    found = None
    while separator and brace and not rest.strip():
        found = _SPARSE_CELL.match(inside, position)
        place = int(found[1]) if found else len(row)
        if found is None or place >= len(row):
            break
        row[place] = _known(*_token(found[2], found[3], found[4]), attributes[place])
        position, separator = found.end(), found[5]
    if separator or not brace or rest.strip():
        raise DataError(
            "A sparse row cannot be read.",
            where=where,
            expected=f"{{index value, …}} with indices from 0 to {len(row) - 1}",
            got=line[:60],
            do="Mend the line.",
        )
    return row


def _undeclared(series: pl.Series, levels: tuple[str, ...]) -> list[Finding]:
    """Cells that a nominal column does not declare."""
    strange = series.drop_nulls().filter(~series.drop_nulls().is_in(list(levels)))
    if not len(strange):
        return []
    return [
        Finding(
            code="undeclared_levels",
            severity="medium",
            title=f"The column '{series.name}' holds values that the file does not declare.",
            evidence=f"{len(strange):,} cells: {listed(strange.unique(maintain_order=True))}.",
            advice="Check these cells for slips of the pen; they were kept as they stand.",
            columns=(series.name,),
            facts={"count": len(strange)},
        )
    ]
