"""Evidence for each kind of an input column, with the figures it rests on."""

import numpy as np
import polars as pl

from fathom.base.terminal import one_line
from fathom.columns.date import epoch_unit
from fathom.columns.flag import polarity
from fathom.columns.kind import Evidence
from fathom.columns.picture import PICTURE_ENDINGS, is_file, is_picture
from fathom.columns.profile import Profile
from fathom.columns.set import find_separator

# Below this many rows "all different" says little.
_ENOUGH = 10
_FEW_LEVELS = 20
_LOOKED_AT, _MOSTLY, _FILES_TRIED = 200, 0.8, 20
# Seconds: from 1980 to 2100.
_EPOCHS = (3.2e8, 4.1e9)


def input_evidence(profile: Profile) -> tuple[Evidence, ...]:
    """Evidence for every kind that comes into question, the strongest first."""
    if profile.num_present == 0:
        return (Evidence("ignored", 1.0, f"no value in {profile.num_rows:,} rows"),)
    pictures = about_image(profile)
    if pictures is not None:
        return (pictures,)
    rules = (
        about_number,
        about_flag,
        about_category,
        about_date,
        about_set,
        about_identifier,
        about_ignored,
    )
    found = [evidence for rule in rules if (evidence := rule(profile)) is not None]
    return tuple(sorted(found, key=lambda evidence: -evidence.confidence))


def about_image(profile: Profile) -> Evidence | None:
    """Pictures: bytes that begin as files of pictures do, or names of such files."""
    raw = profile.raw.drop_nulls()
    if not len(raw):
        return None
    if raw.dtype == pl.Binary:
        starts = [cell[:12] for cell in raw.head(_LOOKED_AT).to_list()]
        share = sum(map(is_picture, starts)) / len(starts)
        what = "hold the bytes of pictures"
    elif raw.dtype == pl.String:
        if not raw[0].lower().endswith(PICTURE_ENDINGS):
            return None
        some = raw.head(_LOOKED_AT)
        share = sum(cell.lower().endswith(PICTURE_ENDINGS) for cell in some) / len(some)
        # Where a table tells only what its pictures were once called, there is nothing to see.
        if not any(map(is_file, raw.gather_every(max(1, len(raw) // _FILES_TRIED)))):
            return None
        what = f"are names of files of pictures, such as '{one_line(raw[0])}'"
    else:
        return None
    return Evidence("image", 0.99, f"cells {what}") if share > _MOSTLY else None


def about_number(profile: Profile) -> Evidence | None:
    """Numbers: nearly all cells can be read as such, and they are not written like codes."""
    share = profile.share_numbers
    if share < 0.5:
        return None
    sort = "whole numbers" if profile.whole else "numbers"
    figures = f"{profile.num_distinct:,} distinct {sort} from {profile.span()} in {_rows(profile)}"
    if profile.num_infinite:
        figures += f"; {_cells(profile.num_infinite)} infinite"
    if share < 1:
        lost = profile.num_present - len(profile.numbers) - profile.num_infinite
        few = profile.num_distinct <= _FEW_LEVELS
        confidence = 0.3 if few or share < 0.9 else 0.8
        return Evidence("number", confidence, f"{figures}; {lost:,} cells are no numbers")
    if profile.leading_zeros:
        return Evidence("number", 0.3, f"{figures}, but written with leading zeros")
    return Evidence("number", 0.8 if profile.whole else 0.95, figures)


def about_flag(profile: Profile) -> Evidence | None:
    """Flags: two values that mean yes and no."""
    if profile.form == "flag":
        return Evidence("flag", 0.97, f"typed as yes or no, in {_rows(profile)}")
    if is_plus_minus(profile):
        return Evidence("flag", 0.96, f"'+' and '-' in {_rows(profile)}")
    if not 2 <= profile.num_distinct <= _FEW_LEVELS:
        return None
    sides = polarity(profile.words)
    if sides is None:
        return None
    figures = f"two values, {profile.shown(2)}, in {_rows(profile)}"
    numbers = set(profile.numbers.tolist()) if profile.share_numbers == 1 else set()
    if sides.reason.startswith("the words") or numbers in ({0.0, 1.0}, {-1.0, 1.0}):
        return Evidence("flag", 0.96, figures)
    return Evidence("flag", 0.5, f"{figures}; {sides.reason}")


def about_category(profile: Profile) -> Evidence | None:
    """Categories: words, or numbers that stand for words, that come back in many rows."""
    if profile.form in ("date", "set", "flag"):
        return None
    figures = f"{profile.num_distinct:,} distinct {{}} in {_rows(profile)}"
    if profile.form == "nominal":
        return Evidence("category", 0.94, figures.format("levels") + ", typed as a list")
    if profile.num_distinct == 1:
        rest = profile.num_rows - profile.num_present
        there = f"one value, {profile.shown(1)}, in {profile.num_present:,} of {_rows(profile)}"
        return Evidence("category", 0.85, f"{there}: its presence may tell") if rest else None
    if profile.share_numbers == 1:
        return _numbers_as_category(profile, figures)
    figures = f"{figures.format('words')}, such as {profile.shown()}"
    if profile.share_numbers >= 0.9 and profile.num_distinct > _FEW_LEVELS:
        return Evidence("category", 0.5, f"{figures}; nearly all are numbers")
    if profile.num_present < _ENOUGH or profile.share_distinct <= 0.5:
        return Evidence("category", 0.9, figures)
    return Evidence("category", 0.65 if profile.share_distinct <= 0.6 else 0.4, figures)


def _numbers_as_category(profile: Profile, figures: str) -> Evidence | None:
    """Numbers that may be codes."""
    if profile.leading_zeros:
        zeros = f"{profile.leading_zeros:,} cells begin with a zero, as codes do"
        confidence = 0.85 if profile.share_distinct < 0.95 else 0.4
        return Evidence("category", confidence, f"{figures.format('codes')}; {zeros}")
    if profile.whole and profile.named_identifier:
        named = f"the name '{profile.name}' speaks of something that comes back in several rows"
        confidence = 0.82 if profile.share_distinct < 0.5 else 0.3
        return Evidence("category", confidence, f"{figures.format('whole numbers')}; {named}")
    if profile.whole and profile.num_distinct <= _FEW_LEVELS:
        hint = "they may be codes for something without an order"
        return Evidence("category", 0.4, f"{figures.format('whole numbers')}: {hint}")
    return None


def about_date(profile: Profile) -> Evidence | None:
    """Dates: typed so, written so, or numbers that count seconds since 1970."""
    if profile.form == "date":
        return Evidence("date", 1.0, f"typed as a date, in {_rows(profile)}")
    if profile.form in ("set", "flag"):
        return None
    if profile.share_numbers < 0.5:
        share = profile.share_dates
        if share < 0.5:
            return None
        looked = f"{len(profile.sample):,} distinct cells looked at"
        figures = f"{100 * share:.0f} % of {looked} are dates, such as"
        confidence = 0.97 if share >= 0.95 else 0.6
        return Evidence("date", confidence, f"{figures} {profile.shown(1)}")
    if not (profile.whole and profile.digits_only):
        return None
    low, high = float(profile.numbers.min()), float(profile.numbers.max())
    if low >= 19_000_101 and high <= 21_001_231 and profile.num_distinct >= 5:
        if profile.share_dates == 1:
            return Evidence("date", 0.92, f"all eight digits are days, such as {profile.shown(1)}")
        return None
    unit = epoch_unit(profile.numbers)
    per_second = {"seconds": 1.0, "milliseconds": 1e3}.get(unit, 1e6)
    if _EPOCHS[0] <= low / per_second and high / per_second <= _EPOCHS[1]:
        confidence = 0.88 if profile.named_time else 0.45
        return Evidence("date", confidence, f"whole numbers that could be {unit} since 1970")
    return None


def about_set(profile: Profile) -> Evidence | None:
    """Sets: cells of several labels, and the same labels in many cells."""
    if profile.form == "set":
        return Evidence("set", 1.0, f"typed as lists, in {_rows(profile)}")
    if profile.form != "text" or profile.share_numbers >= 0.5:
        return None
    cells = profile.sample.to_list()
    bracketed = sum(cell.startswith("[") and cell.endswith("]") for cell in cells)
    if bracketed >= 0.9 * len(cells):
        return Evidence("set", 0.95, f"cells written as lists, such as {profile.shown(1)}")
    separator = find_separator(profile.text)
    split = [cell.split(separator) for cell in cells]
    if sum(len(labels) > 1 for labels in split) < 0.2 * len(cells):
        return None
    labels = {label.strip() for cell in split for label in cell}
    # A comma also stands in sentences and names: there, labels must come back often.
    often = 3.0 if separator == "," else 1.5
    short = sum(len(label.split()) for label in labels) <= 3 * len(labels)
    if sum(map(len, split)) < often * len(labels) or not short:
        return None
    shown = next(cell for cell in cells if separator in cell)
    figures = f"{len(labels):,} labels between '{separator}' in {len(cells):,} distinct cells"
    return Evidence("set", 0.93, f"{figures}, such as '{shown[:60]}'")


def about_identifier(profile: Profile) -> Evidence | None:
    """Identifiers: (nearly) every row has its own value."""
    if profile.form in ("date", "set", "flag") or profile.num_present < _ENOUGH:
        return None
    figures = f"{profile.num_distinct:,} distinct values in {_rows(profile)}"
    if profile.share_numbers == 1:
        return _numbers_as_identifier(profile, figures)
    if profile.share_numbers >= 0.9 or profile.share_distinct <= 0.6:
        return None
    if profile.share_distinct >= 0.99:
        return Evidence("identifier", 0.8, f"{figures}: each has its own")
    return Evidence("identifier", 0.6, f"{figures}: most stand alone, nothing repeats to learn")


def _numbers_as_identifier(profile: Profile, figures: str) -> Evidence | None:
    """Whole numbers, written with digits alone, that number the rows."""
    if not (profile.whole and profile.digits_only) or profile.share_distinct < 0.9:
        return None
    if profile.leading_zeros and profile.share_distinct >= 0.95:
        return Evidence("identifier", 0.9, f"{figures}, with leading zeros")
    numbers = profile.numbers
    if profile.named_identifier and profile.share_distinct >= 0.95:
        return Evidence("identifier", 0.9, f"{figures}, and the name '{profile.name}'")
    if profile.share_distinct < 1:
        return Evidence("identifier", 0.45, f"{figures}: nearly each has its own")
    if numbers.min() >= 1800 and numbers.max() <= 2100:
        return Evidence("identifier", 0.3, f"{figures}, but they look like years")
    density = len(numbers) / (numbers.max() - numbers.min() + 1)
    if len(numbers) >= 20 and density >= 0.5:
        return Evidence("identifier", 0.9, f"{figures}, from {profile.span()}: they count rows")
    steps = np.diff(numbers)
    if len(numbers) >= 50 and ((steps > 0).all() or (steps < 0).all()):
        return Evidence("identifier", 0.85, f"{figures}, rising or falling down the rows")
    return Evidence("identifier", 0.45, f"{figures}: each has its own")


def about_ignored(profile: Profile) -> Evidence | None:
    """Columns that tell nothing, or nothing that can be read yet."""
    if profile.num_distinct == 1 and profile.num_present == profile.num_rows:
        if is_plus_minus(profile):
            return None
        return Evidence("ignored", 0.98, f"the same value {profile.shown(1)} in {_rows(profile)}")
    text = profile.share_numbers < 0.5 and profile.form == "text"
    long = profile.words_per_cell >= 4 and profile.share_distinct > 0.5
    if text and long and profile.num_present >= _ENOUGH:
        words = f"{profile.words_per_cell:.0f} words a cell"
        return Evidence("ignored", 0.86, f"free text ({words}): text is not a kind yet")
    return None


def is_plus_minus(profile: Profile) -> bool:
    """Whether the words are "+" and "-", where the second looks like a marker for no value."""
    return list(profile.words) == ["+"] and set(profile.markers) == {"-"}


def _cells(count: int) -> str:
    return f"{count:,} cell is" if count == 1 else f"{count:,} cells are"


def _rows(profile: Profile) -> str:
    rows = f"{profile.num_rows:,} row{'s' * (profile.num_rows != 1)}"
    missing = profile.num_rows - profile.num_present
    return f"{rows} ({missing:,} without a value)" if missing else rows
