"""Everything that a careful person would notice in a table, the gravest first."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from fathom.base.records import Finding
from fathom.inspection.absent_pictures import find_absent_pictures
from fathom.inspection.classes import find_class_balance, find_rare_words
from fathom.inspection.constants import find_constants
from fathom.inspection.copies import find_copies
from fathom.inspection.drift import find_drift
from fathom.inspection.duplicates import find_duplicates
from fathom.inspection.extremes import find_extremes
from fathom.inspection.files import find_file_differences, matched
from fathom.inspection.gather import by_severity, gather
from fathom.inspection.groups import find_groups
from fathom.inspection.identifiers import find_identifiers
from fathom.inspection.kinds import find_kinds
from fathom.inspection.leakage import find_leakage
from fathom.inspection.marks import find_marks
from fathom.inspection.missing import find_missing
from fathom.inspection.near import find_near_duplicates
from fathom.inspection.near_pictures import find_near_pictures, find_pictures_across
from fathom.inspection.order import find_time
from fathom.inspection.picture_shortcuts import find_picture_shortcuts
from fathom.inspection.pictures import find_pictures
from fathom.inspection.recoded import find_recodings
from fathom.inspection.repairs import find_repairs
from fathom.inspection.sheet import Sheet
from fathom.inspection.size import find_size
from fathom.inspection.targets import find_capped_inputs, find_target_faults
from fathom.inspection.zeros import find_zeros

FAMILIES: tuple[Callable[[Sheet], list[Finding]], ...] = (
    find_leakage,
    find_picture_shortcuts,
    find_target_faults,
    find_size,
    find_duplicates,
    find_near_duplicates,
    find_near_pictures,
    find_pictures,
    find_absent_pictures,
    find_groups,
    find_time,
    find_class_balance,
    find_missing,
    find_identifiers,
    find_kinds,
    find_marks,
    find_recodings,
    find_constants,
    find_repairs,
    find_rare_words,
    find_zeros,
    find_extremes,
    find_capped_inputs,
)


def inspect(sheet: Sheet, others: Mapping[str, Sheet] | None = None) -> tuple[Finding, ...]:
    """Look at a table, and at the files given beside it, before anything is learned.

    It proposes and changes nothing. `facts["action"]` of each finding names what a plan may do:
    "drop" (the columns named, or those under "drop"), "consider_drop", "group" and "time_column"
    (with the column under "column"), "group_by_equal_inputs", "mark_missing", "merge_levels",
    "drop_rows", "drop_copies_from_training", "keep_together", "kind_number", "kind_category",
    "log_target", "weigh_classes", "cross_validate", "regularise", "report_apart", "predict_only",
    "stop", or something only a person can do: "check_labels", "check_origin", "check_order",
    "check_values", "confirm_kind", "correct", "ignore", "keep".

    Args:
        sheet: the training rows, or the whole table.
        others: name -> a validation or test file, parsed with the kinds of the training rows.

    Returns:
        What was noticed while reading and here, the gravest first.

    Example:
        >>> import numpy as np, polars as pl
        >>> from fathom.columns.recognise import recognise, recognise_target
        >>> from fathom.tables.read import read
        >>> table = read({"size": np.arange(200.0) % 19, "sold": np.arange(200) % 2,
        ...               "paid": ["no", "yes"] * 100})
        >>> kinds = {name: recognise(table.column(name), name=name) for name in table.columns}
        >>> kinds["sold"] = recognise_target(table.column("sold"), name="sold")
        >>> inspect(Sheet.of(table, kinds, ("sold",)))[0].title
        "'paid' gives 'sold' away."
    """
    of_rows = (_in_source(one, sheet) for family in FAMILIES for one in family(sheet))
    found = [*sheet.table.notes, *gather(of_rows)]
    for name, other in (others or {}).items():
        there = matched(sheet, replace(other, part=name))
        found += [replace(note, facts={**note.facts, "part": name}) for note in other.table.notes]
        found += gather(
            _in_source(one, other)
            for one in (
                *find_copies(sheet, there),
                *find_pictures_across(sheet, there),
                *find_pictures(there),
                *find_file_differences(sheet, there),
                *find_drift(sheet, there),
            )
        )
    return by_severity(found)


def _in_source(finding: Finding, sheet: Sheet) -> Finding:
    """The finding with rows counted as in the source, where the sheet holds only some of them."""
    origin = sheet.origin
    if origin is None:
        return finding
    return replace(finding, rows=tuple(int(origin[row - 1]) + 1 for row in finding.rows))
