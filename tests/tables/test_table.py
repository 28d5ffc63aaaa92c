"""Table: rows, columns, fingerprints; against polars and naive loops."""

import gzip
import json
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.base.errors import DataError
from fathom.tables.read import read
from fathom.tables.table import Source, Table, as_text

SOURCE = Source(name="fish.csv", format="memory")
CELLS = {
    "length": ["3", "5", None, "7", "3", "11", "3"],
    "weight": ["a", "", None, "b", "a", "c", "x"],
    "species": ["p", "q", "p", "q", "p", "q", "p"],
}


@pytest.fixture
def table() -> Table:
    return Table(pl.DataFrame(CELLS), SOURCE)


def test_size_and_names(table: Table) -> None:
    assert table.num_rows == len(table) == 7
    assert table.columns == ("length", "weight", "species")
    assert table.column("weight").to_list() == CELLS["weight"]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([6, 0, 0], "ppp"),
        (np.array([2, 5]), "pq"),
        (slice(1, 6, 2), "qqq"),
        ([], ""),
        (np.array([True, True, False, True, False, False, True]), "pqqp"),
        ([-1], "p"),
    ],
)
def test_rows(table: Table, index: Any, expected: str) -> None:
    chosen = table.rows(index)
    assert chosen.column("species").to_list() == list(expected)
    assert chosen.source is table.source


def test_rows_beyond_the_end_are_refused(table: Table) -> None:
    with pytest.raises(IndexError):
        table.rows([7])
    with pytest.raises(IndexError):
        table.rows([True, False])


def test_select_and_drop(table: Table) -> None:
    assert table.select(["species", "length"]).columns == ("species", "length")
    assert table.drop(["weight"]).columns == ("length", "species")
    assert table.drop("weight").columns == ("length", "species")
    assert table.columns == ("length", "weight", "species")


@pytest.mark.parametrize("ask", ["select", "drop", "row_hashes"])
def test_an_unknown_column_is_named_with_the_nearest(table: Table, ask: str) -> None:
    with pytest.raises(DataError) as caught:
        {"select": table.select, "drop": table.drop, "row_hashes": table.row_hashes}[ask](
            ["wieght"]
        )
    assert caught.value.what == "There is no such column."
    assert caught.value.where == "fish.csv"
    assert caught.value.expected == "one of 'length', 'weight', 'species'"
    assert caught.value.got == "'wieght'"
    assert caught.value.do == "Did you mean 'weight'?"
    with pytest.raises(DataError, match="no such column"):
        table.column("q")


def test_names_that_polars_takes_for_patterns() -> None:
    frame = pl.DataFrame({"*": [1, 2], "^.*$": [3, 4], "c": [5, 6]})
    table = Table(frame, SOURCE)
    assert table.select(["*"]).columns == ("*",)
    assert table.drop(["^.*$"]).columns == ("*", "c")
    assert table.column("^.*$").to_list() == [3, 4]
    assert len(table.row_hashes(["*"])) == 2


def test_content_hash_sees_cells_names_and_order(table: Table) -> None:
    same = Table(pl.DataFrame(CELLS), Source(name="other", format="text"))
    assert table.content_hash() == same.content_hash()
    assert len(table.content_hash()) == 32
    others = [
        table.rows([1, 0, 2, 3, 4, 5, 6]),
        table.rows(slice(0, 6)),
        table.select(["weight", "length", "species"]),
        Table(pl.DataFrame(CELLS | {"weight": ["a", None, None, "b", "a", "c", "x"]}), SOURCE),
        Table(table.frame.rename({"length": "Length"}), SOURCE),
    ]
    hashes = {other.content_hash() for other in [table, *others]}
    assert len(hashes) == 1 + len(others)


def test_content_hash_does_not_confuse_where_cells_end() -> None:
    one = Table(pl.DataFrame({"a": ["ab", "c"]}), SOURCE)
    other = Table(pl.DataFrame({"a": ["a", "bc"]}), SOURCE)
    assert one.content_hash() != other.content_hash()


def test_content_hash_is_blind_to_packing_and_quoting(tmp_path: Path) -> None:
    plain, quoted, packed = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv.gz"))
    plain.write_text("a,b\n1,x\n2,\n")
    quoted.write_text('"a";"b"\r\n"1";"x"\r\n"2";""\r\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert len({read(path).content_hash() for path in (plain, quoted, packed)}) == 1


def test_content_hash_stays_what_it_was() -> None:
    """Stored fingerprints must be found again: the bytes that are hashed are a promise."""
    table = Table(pl.DataFrame({"a": ["x", None], "b": ["", "é"]}), SOURCE)
    promised = b"1:a:2:" + struct.pack("<2q", 1, -1) + b"x"
    promised += b"1:b:2:" + struct.pack("<2q", 0, 2) + "é".encode()
    assert table.content_hash() == blake2b(promised, digest_size=16).hexdigest()


def test_row_hashes_agree_with_tuples() -> None:
    generator = np.random.default_rng(5)
    cells = {name: generator.integers(0, 4, 211).astype(str).tolist() for name in "abc"}
    cells["a"][7] = None
    cells["b"][7] = ""
    table = Table(pl.DataFrame(cells), SOURCE)
    for columns in (None, ["a"], ["c", "a"]):
        hashes = table.row_hashes(columns)
        assert hashes.dtype == np.uint64
        rows = list(zip(*[cells[name] for name in columns or "abc"], strict=True))
        for i in range(0, 211, 13):
            for j in range(211):
                assert (hashes[i] == hashes[j]) == (rows[i] == rows[j])


def test_row_hashes_heed_which_column_a_value_is_in() -> None:
    table = Table(pl.DataFrame({"a": ["x", "y", None], "b": ["y", "x", None]}), SOURCE)
    hashes = table.row_hashes()
    assert len(set(hashes.tolist())) == 3
    assert hashes.tolist() != table.row_hashes(["b", "a"]).tolist()


def test_row_hashes_compare_across_sources() -> None:
    typed = Table(pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}), SOURCE)
    texts = Table(pl.DataFrame({"a": ["2", "1"], "b": ["y", "x"]}), SOURCE)
    assert typed.row_hashes().tolist() == texts.row_hashes().tolist()[::-1]


def test_lists_and_bytes_have_texts_too() -> None:
    frame = pl.DataFrame({"set": [["a", "b"], None], "raw": [b"\x00", None]})
    assert [as_text(series).to_list() for series in frame] == [
        ["['a', 'b']", None],
        ["00", None],
    ]
    assert Table(frame, SOURCE).content_hash() != Table(frame[::-1], SOURCE).content_hash()


def test_repr_is_a_small_table() -> None:
    cells = {f"column {number}": ["a\nb", None, "x" * 40, "1", "2", "3"] for number in range(11)}
    text = repr(Table(pl.DataFrame(cells), SOURCE))
    lines = text.split("\n")
    assert lines[0] == "fish.csv: 6 rows × 11 columns"
    assert lines[1].startswith("  column 0")
    assert lines[1].endswith("column 7         …")
    assert lines[2].split()[:2] == ["a", "b"]
    assert lines[3].split()[0] == "·"
    assert lines[4].split()[0] == "x" * 15 + "…"
    assert lines[-1] == "  …"
    assert max(map(len, lines)) < 160


def test_source_as_plain_json() -> None:
    source = Source(name="x", format="arff", levels={"a": ("u", "v")}, declared={"a": "nominal"})
    assert json.loads(json.dumps(source.to_dict()))["levels"] == {"a": ["u", "v"]}


def test_a_table_cannot_be_changed(table: Table) -> None:
    with pytest.raises(AttributeError):
        table.source = SOURCE  # type: ignore[misc]
