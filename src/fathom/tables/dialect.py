"""How a text separates and encloses its cells, found from its first lines."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fathom.tables.cells import is_number
from fathom.tables.options import ReadOptions
from fathom.tables.records import Dialect, first_records, is_comment

BLANKS = " "
LINES = ""
_CANDIDATES = ("\t", ";", ",", "|")
USUAL = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
_SAMPLE = 1 << 16
_SAMPLE_RECORDS = 500


@dataclass(frozen=True)
class _Attempt:
    """What a delimiter makes of the first lines.

    Attributes:
        delimiter: the one tried.
        num_cells: cells in most of the records.
        agreement: share of the records with so many.
        clean: share of the cells that hold no other delimiter, or are numbers.
        first: cells in the first record.
    """

    delimiter: str
    num_cells: int
    agreement: float
    clean: float
    first: int

    @property
    def score(self) -> float:
        return self.agreement * (1 + self.clean)


@dataclass(frozen=True)
class Sample:
    """The first lines of a text.

    Attributes:
        text: the lines.
        whole: True when nothing follows.
    """

    text: str
    whole: bool


def sample_of(text: bytes) -> Sample:
    """The first lines of a text, up to 64 KiB."""
    if len(text) <= _SAMPLE:
        return Sample(text.decode(), True)
    cut = max(text.rfind(b"\n", 0, _SAMPLE), text.rfind(b"\r", 0, _SAMPLE)) + 1
    return Sample(text[: cut or _SAMPLE].decode("utf-8", "ignore"), False)


def sample_records(sample: Sample, dialect: Dialect) -> list[list[str]]:
    """The first records of a text, without blanks around cells and without empty lines."""
    records = first_records(sample.text, dialect, _SAMPLE_RECORDS, whole=sample.whole)
    found = [[cell.strip() for cell in record] for _, record in records]
    return [record for record in found if any(record)] or found[:1]


def usual_num_cells(records: Sequence[Sequence[str]]) -> int:
    """How many cells most of the records have; the larger count where two are equal."""
    counts = Counter(len(record) for record in records)
    return max(counts, key=lambda count: (counts[count], count), default=1)


def find_dialect(
    sample: Sample, suffix: str, delimiter: str | None, options: ReadOptions
) -> Dialect:
    """Delimiter and quote of a text.

    Every candidate divides the first lines; the one under which they agree best on a number of
    cells (two at least) wins, and of equals the one whose cells look least divided by another.
    Text that no candidate divides evenly is taken line by line.

    Args:
        sample: the first lines.
        suffix: the file's extension, which tells what is usual.
        delimiter: what the person or the file named; None = find out.
        options: what the person said already.
    """
    quote = options.quote
    if quote is None:
        quote = "'" if _encloses_in_apostrophes(sample) else '"'
    if delimiter is not None:
        return Dialect(delimiter, quote)
    usual = USUAL.get(suffix, "")
    candidates = [usual, *_CANDIDATES] if usual else list(_CANDIDATES)
    if options.decimal == ",":
        candidates = [candidate for candidate in candidates if candidate != ","]
    attempts = [_attempt(sample, Dialect(each, quote)) for each in dict.fromkeys(candidates)]
    good = [attempt for attempt in attempts if _convinces(attempt, usual)]
    blanks = _attempt(sample, Dialect(BLANKS, quote))
    if blanks.num_cells > 1 and blanks.agreement >= 0.95 and _holds_numbers(sample, quote):
        good.append(blanks)
    if good:
        return Dialect(max(good, key=lambda attempt: attempt.score).delimiter, quote)
    one_cell = next((each for each in attempts if each.delimiter == (usual or ",")), None)
    if one_cell and one_cell.num_cells == 1 and one_cell.agreement == 1:
        return Dialect(one_cell.delimiter, quote)
    return Dialect(LINES, "")


def _attempt(sample: Sample, dialect: Dialect) -> _Attempt:
    records = sample_records(sample, dialect)
    num_cells = usual_num_cells(records)
    records = [record for record in records if not is_comment(record, dialect, num_cells)]
    agreeing = sum(len(record) == num_cells for record in records)
    others = [each for each in _CANDIDATES if each != dialect.delimiter]
    cells = [cell for record in records for cell in record if cell]
    clean = sum(
        not any(other in cell for other in others) or is_number(cell) for cell in cells
    ) / max(len(cells), 1)
    first = len(records[0]) if records else 0
    return _Attempt(dialect.delimiter, num_cells, agreeing / max(len(records), 1), clean, first)


def _convinces(attempt: _Attempt, usual: str) -> bool:
    if attempt.num_cells < 2 and not (usual and attempt.first > 1):
        return False
    if usual and attempt.first > 1:
        return attempt.delimiter == usual or attempt.agreement >= 0.6
    if attempt.agreement >= 0.8:
        return True
    return attempt.agreement >= 0.6 and attempt.first == attempt.num_cells


def _holds_numbers(sample: Sample, quote: str) -> bool:
    """Whether some column is all numbers: sentences of equal length are no table."""
    records = sample_records(sample, Dialect(BLANKS, quote))
    num_cells = usual_num_cells(records)
    columns = zip(*[record for record in records if len(record) == num_cells], strict=True)
    return any(sum(map(is_number, column)) >= 0.8 * len(column) for column in columns)


def _encloses_in_apostrophes(sample: Sample) -> bool:
    """Whether nearly every line has a cell within apostrophes, and none within double quotes."""
    lines = [line for line in sample.text.splitlines()[1:] if line.strip()]
    lines = lines or sample.text.splitlines()
    edge = r"[,;|\t]"
    double = re.compile(rf'(?:^|{edge})\s*"')
    single = re.compile(rf"(?:^|{edge})\s*'[^'\n]*'\s*(?={edge}|$)")
    if not lines or any(double.search(line) for line in lines):
        return False
    return sum(bool(single.search(line)) for line in lines) >= 0.9 * len(lines)
