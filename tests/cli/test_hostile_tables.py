"""Tables that nobody would wish for: a clear error or a report, never a stack trace."""

import gzip
import json
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

Fathom = Callable[..., Any]
NUM = 97


def lines(*names: str, row: Callable[[int, np.random.Generator], str]) -> str:
    draw = np.random.default_rng(0)
    return ",".join(names) + "\n" + "".join(f"{row(n, draw)}\n" for n in range(NUM))


def number(draw: np.random.Generator) -> str:
    return f"{draw.normal():.4f}"


PLAIN = lines("a", "y", row=lambda n, d: f"{number(d)},{number(d)}")
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "truncated.csv.gz": (gzip.compress(PLAIN.encode())[:200], "y", "damaged"),
    "ragged.csv": ((PLAIN + "1,2,3,4\n").encode(), "y", "more cells than the table has columns"),
    "one class.csv": (
        lines("a", "y", row=lambda n, d: f"{number(d)},yes").encode(),
        "y",
        "nothing to tell apart",
    ),
    "four rows.csv": (b"a,y\n1,2\n2,3\n3,4\n5,6\n", "y", "too few rows"),
    "no target.csv": (PLAIN.encode(), "z", "There is no column 'z'"),
    "no truth.csv": (
        lines("a", "y", row=lambda n, d: f"{number(d)},nan").encode(),
        "y",
        "of them without a target",
    ),
    "prose.csv": (
        lines("t", "y", row=lambda n, d: f"some words {n} that differ,other words {n}").encode(),
        "y",
        "cannot be learned",
    ),
    "constant.csv": (
        lines("a", "y", row=lambda n, d: "1,2").encode(),
        "y",
        "too few different rows",
    ),
    "constant inputs.csv": (
        lines("a", "y", row=lambda n, d: f"1,{number(d)}").encode(),
        "y",
        "No column is left",
    ),
    "names.csv": (
        lines("a", "y", row=lambda n, d: f"{number(d)},id{n:05d}").encode(),
        "y",
        "a value of its own",
    ),
    "target alone.csv": (
        lines("y", row=lambda n, d: number(d)).encode(),
        "y",
        "There is no column to learn from.",
    ),
    "classes alone.csv": (
        lines("y", row=lambda n, d: "yes" if n % 3 else "no").encode(),
        "y",
        "There is no column to learn from.",
    ),
    "empty.csv": (b"", "y", "empty"),
    "header.csv": (b"a,y\n", "y", "no rows"),
    "binary.csv": (bytes(range(256)) * 20, "y", "not a text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_four_beats(
    name: str, fathom: Fathom, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    content, target, told = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    said = fathom("train", tmp_path / name, "-t", target, "--out", tmp_path / "run", "-q", *tiny)
    assert said.code == 1
    assert told in said.err
    assert "do:" in said.err
    assert not (tmp_path / "run").exists()


EVIL = ("c", "loss", "weight", "../../x", "<script>alert(1)</script>", "", "part_0.head", "y: low")
ACCEPTED: dict[str, tuple[str, str]] = {
    "all missing.csv": (lines("a", "m", "y", row=lambda n, d: f"{number(d)},,{number(d)}"), "y"),
    "five rows.csv": ("a,y\n" + "".join(f"{n},{n * n}\n" for n in range(5)), "y"),
    "five classes.csv": ("a,y\n" + "".join(f"{n},{'pq'[n % 2]}\n" for n in range(5)), "y"),
    "evil names.csv": (
        lines(
            *EVIL,
            "y",
            row=lambda n, d: (
                ",".join(number(d) for _ in EVIL) + "," + ("<img src=q>", "<b>no</b>")[n % 2]
            ),
        ),
        "y",
    ),
    "patterns.csv": (
        lines("^a$", "*", "^y$", row=lambda n, d: f"{number(d)},{n % 3},{number(d)}"),
        "^y$",
    ),
    "evil target.csv": (lines("a", EVIL[4], row=lambda n, d: f"{number(d)},{number(d)}"), EVIL[4]),
    "empty target.csv": (lines("a", "", row=lambda n, d: f"{number(d)},{number(d)}"), "last"),
    "twice.csv": (
        lines("a", "a", "y", row=lambda n, d: f"{number(d)},{number(d)},{number(d)}"),
        "y",
    ),
    "gaps in the target.csv": (
        lines("a", "y", row=lambda n, d: f"{number(d)},{'nan' if n % 3 else number(d)}"),
        "y",
    ),
    "infinite.csv": (
        lines(
            "a",
            "b",
            "y",
            row=lambda n, d: ",".join(
                "inf" if n % every == 0 else number(d) for every in (31, 37, 41)
            ),
        ),
        "y",
    ),
    "languages.csv": (
        lines(
            "größe",
            "色",
            "目标",
            row=lambda n, d: f"{number(d)},{'红绿蓝'[n % 3]},{('はい', 'いいえ')[n % 2]}",
        ),
        "目标",
    ),
    "shares.csv": (
        lines(
            "p(a), set", "y: high", "y", row=lambda n, d: f"{number(d)},{number(d)},{'ab'[n % 2]}"
        ).replace("p(a), set", '"p(a), set"'),
        "y",
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_it_is_learned_and_shown_escaped(
    name: str, fathom: Fathom, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    content, target = ACCEPTED[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    run = tmp_path / "run"
    said = fathom("train", tmp_path / name, "-t", target, "--out", run, "-q", *tiny)
    assert (said.code, said.err) == (0, "")
    page = (run / "report.html").read_text(encoding="utf-8")
    for raw in ("<script>alert", "<img src=q", "<b>no</b>"):
        assert raw not in page
    assert {place.name for place in tmp_path.iterdir()} == {name, "run"}
    answers = fathom("predict", run, tmp_path / name, "--json")
    assert len(json.loads(answers.out)["rows"]) == content.count("\n") - 1
    assert fathom("evaluate", run, tmp_path / name).code == 0


def test_names_and_cells_do_not_steer_the_terminal(
    fathom: Fathom, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    codes = "\x1b[31m\x9b2J\u202e"
    words = (f"p{codes}", "q")
    text = lines(f'"a{codes}"', f'"y{codes}"', row=lambda n, d: f"{number(d)},{words[n % 2]}")
    path, run = tmp_path / "codes.csv", tmp_path / "run"
    path.write_text(text, encoding="utf-8")
    for call in (
        ("look", path, "-t", "last"),
        ("look", path, "-t", f"z{codes}"),
        ("plan", path, "-t", "last"),
        ("train", path, "-t", "last", "--out", run, *tiny),
        ("show", path),
        ("show", run, path),
        ("evaluate", run, path),
        ("evaluate", run, path, "--json"),
        ("predict", run, path, "--json"),
    ):
        said = fathom(*call)
        assert not set("\x1b\x9b\u202e") & set(said.out + said.err), call
    assert codes in fathom("predict", run, path).out


def test_cells_of_every_type_are_learned_from(
    fathom: Fathom, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    draw = np.random.default_rng(0)
    path, run = tmp_path / "types.parquet", tmp_path / "run"
    pl.DataFrame(
        {
            "list": [[n % 3, 1] for n in range(NUM)],
            "record": [{"p": n % 2} for n in range(NUM)],
            "bytes": [bytes([n % 5, 255]) for n in range(NUM)],
            "length": [timedelta(seconds=n % 7) for n in range(NUM)],
            "hour": [time(n % 24) for n in range(NUM)],
            "none": [None] * NUM,
            "^y$": draw.normal(size=NUM),
            "y": draw.normal(size=NUM),
        }
    ).write_parquet(path)
    said = fathom("train", path, "-t", "y", "--out", run, "-q", *tiny)
    assert (said.code, said.err) == (0, "")
    for words in (("evaluate", run, path), ("predict", run, path), ("show", path, "--json")):
        assert fathom(*words).code == 0
    assert fathom("show", run, path).code == 0


def test_a_link_to_itself(fathom: Fathom, tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for words in (("train", tmp_path / "loop.csv", "-t", "y"), ("look", tmp_path / "loop.csv")):
        said = fathom(*words)
        assert said.code == 1
        assert "There is no such file." in said.err
