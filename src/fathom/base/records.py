"""Plain frozen records that more than one floor hands on: findings and decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something a careful person would notice in the data before training.

    Attributes:
        code: a stable name, e.g. "leakage_suspect".
        severity: high = the score would be invalid; medium = harm is likely; low = worth knowing.
        title: one plain sentence.
        evidence: the figures that show it, in plain words.
        advice: what to do about it.
        columns: the columns it is about, if any.
        rows: some row numbers (1-based, the header not counted) as examples.
        facts: the figures once more, for programs.
    """

    code: str
    severity: Severity
    title: str
    evidence: str
    advice: str
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def findings_from(stored: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Findings as `to_dict` gave them, by way of JSON.

    Example:
        >>> one = Finding(code="a", severity="low", title="b", evidence="c", advice="d", rows=(1,))
        >>> findings_from([one.to_dict()]) == (one,)
        True
    """
    return tuple(
        Finding(**{**one, "columns": tuple(one["columns"]), "rows": tuple(one["rows"])})
        for one in stored
    )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One automatic decision: what was chosen and why.

    Attributes:
        key: dotted place in the recipe, e.g. "training.batch_size".
        value: what was chosen.
        reason: why, in one sentence.
        said: True when the person asked for it, False when fathom chose it.
    """

    key: str
    value: Any
    reason: str
    said: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
