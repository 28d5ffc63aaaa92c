"""A small table of every kind, with a preparation and networks for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from fathom.models.assemble import HeadPlan, NetworkPlan, build_network
from fathom.models.model import Model, Part
from fathom.models.preparation import Preparation, PreparationPlan, fit_preparation, fit_targets
from fathom.nets.mlp import Shape
from fathom.tables.read import read
from fathom.tables.schema import Roles, infer_schema, parse_columns, row_weights
from fathom.tables.table import Table

NUM = 61
TARGETS = {"price": "number", "style": "category", "sold": "flag", "tags": "set"}


@pytest.fixture(scope="session")
def table() -> Table:
    """Every kind once or more, with gaps in the inputs."""
    draw = np.random.default_rng(0)
    area = draw.normal(100, 30, NUM).round(2)
    gaps = [None if draw.random() < 0.2 else float(x) for x in (area / 23).round(2)]
    tags = ["|".join(sorted(draw.choice(["a", "b", "c"], 2, replace=False))) for _ in range(NUM)]
    return read(
        pl.DataFrame(
            {
                "area": area,
                "rooms": gaps,
                "town": draw.choice(["north", "south", "east"], NUM),
                "new": draw.choice(["yes", "no"], NUM),
                "built": [f"20{year:02}-0{1 + year % 9}-11" for year in draw.integers(0, 20, NUM)],
                "extras": [tag.replace("a", "garden") for tag in tags],
                "price": (2 * area + draw.normal(0, 5, NUM)).round(1),
                "style": draw.choice(["brick", "wood", "glass"], NUM),
                "sold": draw.choice(["yes", "no"], NUM),
                "tags": tags,
            }
        )
    )


@pytest.fixture(scope="session")
def prepare(table: Table) -> Callable[..., Preparation]:
    """A preparation for some of the targets."""

    def make(*targets: str) -> Preparation:
        aside = [name for name in TARGETS if name not in targets]
        kinds = {name: kind for name, kind in TARGETS.items() if name in targets}
        kinds |= {"extras": "set", **dict.fromkeys(aside, "ignored")}
        schema = infer_schema(table, Roles(targets=targets, kinds=kinds))
        names = (*schema.inputs, *targets)
        values = parse_columns(table, {name: schema.columns[name].kind for name in names})
        weight = row_weights(table, None)
        columns = fit_targets(schema, values, weight)
        plan = PreparationPlan(num_bins=5, num_pairs=1, num_angles=3)
        return fit_preparation(schema, values, weight, plan, columns)

    return make


@pytest.fixture(scope="session")
def make_model(prepare: Callable[..., Preparation]) -> Callable[..., Model]:
    """A model of (name of the network, targets, how many parts, options of the heads)."""

    def make(
        name: str = "ensemble",
        targets: tuple[str, ...] = tuple(TARGETS),
        num_parts: int = 1,
        **options: Any,
    ) -> Model:
        preparation = prepare(*targets)
        heads = HeadPlan(**options)
        parts: list[Part] = []
        for seed in range(num_parts):
            plan = network_plan(name, seed)
            parts.append(Part(preparation, build_network(preparation, plan, heads)))
        return Model(tuple(parts), network_plan(name, 0), heads)

    return make


def network_plan(name: Any, seed: int = 0) -> NetworkPlan:
    """A small network, with dropout so that training differs from answering."""
    members = 3 if name == "ensemble" else 1
    shape = Shape(width=11, depth=0 if name == "linear" else 2, dropout=0.1)
    return NetworkPlan(
        name=name, members=members, shape=shape, number_dim=5, category_dim=7, seed=seed
    )
