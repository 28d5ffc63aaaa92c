"""Scored rows that the model was trained on: what they make of a score, in words."""

from dataclasses import dataclass

_HALF, _MANY_ALIKE = 0.5, 0.1


@dataclass(frozen=True, kw_only=True)
class SeenRows:
    """How many of the scored rows equal rows of the training, inputs and targets alike.

    Attributes:
        count: rows that do, those included of which only as much is known as `near` says.
        near: rows whose pictures show nearly what a training picture shows.
        rows: all that were scored.
        by_chance: columns of so few different values that other rows may well be equal.
        notable: the share from which it belongs into the verdict.
        when: they were seen.

    Example:
        >>> print(SeenRows(count=169, rows=211).sentence)
        169 of 211 rows were seen in training: the score says nothing about new rows.
    """

    count: int
    rows: int
    near: int = 0
    by_chance: bool = False
    notable: float = 0.01
    when: str = "in training"

    @property
    def leads(self) -> bool:
        """Whether it must stand before the verdict, not among the notes."""
        least = max(self.notable, _MANY_ALIKE if self.by_chance else 0.0)
        return self.count > 0 and self.count >= least * self.rows

    @property
    def worthless(self) -> bool:
        """Whether a score on these rows can be no praise: half of them or more were seen."""
        return not self.by_chance and self.count > 0 and self.count >= _HALF * self.rows

    @property
    def sentence(self) -> str:
        """What it means for the score; "" when there are none."""
        if not self.count:
            return ""
        told = f"{self.count:,} of {self.rows:,} rows"
        when = self.when
        if self.near:
            nearly = "as pictures that show nearly the same"
            part = "" if self.near == self.count else f"{self.near:,} of them "
            when = f"{when} ({part}{nearly})"
        if self.by_chance:
            return (
                f"{told} equal rows of the training; with so few different values they may be "
                "others that look alike. If they are the same, the score says nothing about new "
                "rows."
            )
        if self.count < _HALF * self.rows:
            return f"{told} were seen {when}: the score looks better than it is on new rows."
        return f"{told} were seen {when}: the score says nothing about new rows."
