"""Print the results as Markdown: quality, cost, mean ranks, paired tests.

python -m benchmarks.tables.summarise --reference catboost
"""

import argparse
from collections.abc import Callable, Iterable

import numpy as np
from scipy.stats import rankdata

from benchmarks.tables import datasets, paired, results
from benchmarks.tables.cells import Cell, Cells, choose, group


def main() -> None:
    """Read the results, print the tables."""
    given = _arguments()
    records = choose(given.tasks, given.peers, quiet_only=given.quiet_only)
    if not records:
        raise SystemExit("no results yet")
    cells = group(records)
    in_order = dict.fromkeys(datasets.set_of(name) for name in datasets.names())
    sets = [name for name in in_order if any(name == owner for owner, _ in cells)]
    peers = sorted({peer for _, peer in cells}, key=_order(record["peer"] for record in records))
    regression = [name for name in sets if "rmse" in _metrics_of(cells, name)]
    classification = [name for name in sets if "error" in _metrics_of(cells, name)]
    _print_conditions(records)
    for title, metric, names in (
        ("RMSE / standard deviation of the test targets", "rmse_ratio", regression),
        ("RMSE", "rmse", regression),
        ("Error rate", "error", classification),
        ("Error / error of the most frequent label", "error_ratio", classification),
        ("Log loss", "log_loss", classification),
        ("Area under the ROC curve", "roc_auc", classification),
    ):
        if names:
            _print_quality(title, metric, names, peers, cells)
    _print_cost(sets, peers, cells)
    if given.reference:
        _print_tests(given.reference, sets, peers, cells)


def _order(names: Iterable[str]) -> Callable[[str], int]:
    """Sort by first appearance."""
    return list(dict.fromkeys(names)).index


def _metrics_of(cells: Cells, name: str) -> set[str]:
    return {
        metric
        for (owner, _), cell in cells.items()
        if owner == name
        for record in cell.ok
        for metric in record["metrics"]
    }


def _print_row(first: str, cells: Iterable[str]) -> None:
    print(f"| {first} | " + " | ".join(cells) + " |")


def _print_head(title: str, first: str, columns: list[str]) -> None:
    print(f"\n## {title}\n")
    _print_row(first, columns)
    print("|" + "---|" * (len(columns) + 1))


def _print_conditions(records: list[results.Record]) -> None:
    """Where and with what: machines, threads, versions."""
    machines = {", ".join(str(value) for value in record["machine"].values()) for record in records}
    versions = sorted(
        {
            f"{package} {version}"
            for record in records
            for package, version in record.get("versions", {}).items()
        }
    )
    num_loud = sum(not record["quiet"] for record in records)
    print("# Tables\n")
    threads = sorted({str(record["threads"]) for record in records})
    print(f"{len(records)} runs; machine: {'; '.join(sorted(machines))}.")
    print(f"Threads: {', '.join(threads)}.")
    print(f"{num_loud} runs on a machine with other work; their seconds are marked ~.")
    print(f"\nVersions: {', '.join(versions)}.")


def _print_quality(
    title: str, metric: str, sets: list[str], peers: list[str], cells: Cells
) -> None:
    """Means over a set's runs, and mean ranks over the sets that every peer has completed."""
    _print_head(title, "set", peers)
    ranks = []
    for name in sets:
        row = [cells.get((name, peer)) for peer in peers]
        _print_row(name, [_quality(cell, metric) for cell in row])
        if all(cell is not None and cell.complete for cell in row):
            values = [cell.mean(metric) for cell in row if cell is not None]
            # Four digits, so that rounding noise is not a rank.
            rounded = np.array([float(f"{value:.4g}") for value in values])
            ranks.append(rankdata(-rounded if metric == "roc_auc" else rounded))
    if ranks:
        means = np.mean(ranks, axis=0)
        _print_row(f"mean rank over {len(ranks)} sets", [f"{mean:.2f}" for mean in means])


def _quality(cell: Cell | None, metric: str) -> str:
    if cell is None:
        return ""
    if not cell.ok:
        return cell.records[-1]["status"]
    text = f"{cell.mean(metric):.4g}"
    return text if cell.complete else f"{text} ({len(cell.ok)} of {cell.num_tasks})"


def _print_cost(sets: list[str], peers: list[str], cells: Cells) -> None:
    _print_head("Seconds of the whole process, peak memory (medians)", "set", peers)
    for name in sets:
        _print_row(name, [_cost(cells.get((name, peer))) for peer in peers])


def _cost(cell: Cell | None) -> str:
    if cell is None:
        return ""
    if not cell.ok:
        return cell.records[-1]["status"]
    mark = "" if all(record["quiet"] for record in cell.ok) else "~"
    seconds = np.median([record["seconds"] for record in cell.ok])
    memory = np.median([record["peak_megabytes"] for record in cell.ok])
    return f"{mark}{seconds:.3g} s, {memory:.0f} MB"


def _print_tests(reference: str, sets: list[str], peers: list[str], cells: Cells) -> None:
    """Every peer against the reference, set by set, and the tally."""
    others = [peer for peer in peers if peer != reference]
    _print_head(
        f"Paired tests: each peer against {reference} (p < {paired.LEVEL}, otherwise a tie)",
        "set, loss",
        others,
    )
    tally: dict[str, list[str]] = {peer: [] for peer in others}
    for name in sets:
        compared = {
            peer: paired.compare(cells.get((name, peer)), cells.get((name, reference)))
            for peer in others
        }
        for loss in dict.fromkeys(loss for found in compared.values() for loss in found):
            row = []
            for peer in others:
                one = compared[peer].get(loss)
                row.append(f"{one.verdict} (p = {one.p:.2g})" if one else "")
                tally[peer] += [one.verdict] if one and loss != "errors" else []
            _print_row(f"{name}, {loss}", row)
    counts = [
        "-".join(str(tally[peer].count(verdict)) for verdict in ("better", "tie", "worse"))
        for peer in others
    ]
    _print_row("better-tie-worse by squared error or log loss", counts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Print the results as Markdown.")
    parser.add_argument("--peers", nargs="+", help="default: all that have results")
    parser.add_argument("--tasks", nargs="+", default=["*"], help="patterns; default: all")
    parser.add_argument("--reference", help="the peer that the others are tested against")
    parser.add_argument("--quiet-only", action="store_true", help="leave out all other runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
