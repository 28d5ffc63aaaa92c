"""How much of a number quick trees explain: a sign of how noisy the target is."""

import numpy as np

from fathom.base.seeds import numpy_generator
from fathom.columns.number import FittedNumber
from fathom.evaluation.baseline_models import fit_boosted_trees
from fathom.evaluation.baseline_records import BaselinePlan, Labelled
from fathom.evaluation.baselines import threads_limited
from fathom.models.preparation import Column, PreparationPlan, fit_preparation
from fathom.tables.schema import Schema, parse_columns, row_weights
from fathom.workflow.judge import baseline_data, truth_of
from fathom.workflow.material import Material

# A second of trees is enough for a sign.
_MOST_ROWS, _SHARE_TO_LEARN = 5000, 0.8


def explained_share(
    material: Material, schema: Schema, targets: tuple[Column, ...], seed: int
) -> float | None:
    """The share of the first target's variance that trees explain on rows they did not learn.

        1 − Σ (truth − answer)² / Σ (truth − mean)²

    Only training rows of the first part are used. Rows of one group, or neighbours in time, would
    give each other away, so nothing is measured there.

    Args:
        material: the rows.
        schema: the kinds of the columns.
        targets: as all parts know them.
        seed: which rows are drawn.

    Returns:
        At most 1; None where it cannot be told.
    """
    first, roles = targets[0], material.roles
    if not isinstance(first.fitted, FittedNumber) or roles.group or roles.time:
        return None
    rows = material.parts[0][0]
    drawn = numpy_generator(seed, "explained").permutation(rows)[:_MOST_ROWS]
    table = material.pool.rows(drawn)
    kinds = {name: schema.columns[name].kind for name in (*schema.inputs, *schema.roles.targets)}
    values, weight = parse_columns(table, kinds), row_weights(table, schema.roles.weight)
    plain = PreparationPlan(num_pairs=0)
    data = baseline_data(fit_preparation(schema, values, weight, plain, targets), values)
    truth = truth_of(first, table, schema)
    known = np.flatnonzero(truth.known)
    cut = int(_SHARE_TO_LEARN * len(known))
    numbers = truth.rows.truth
    learn = Labelled(data=data.at(known[:cut]), truth=numbers[:cut])
    plan = BaselinePlan(task="regression", seed=seed)
    with threads_limited(plan.threads):
        answer = fit_boosted_trees(learn, plan)(learn)(data.at(known[cut:])).number
    asked = numbers[cut:]
    assert answer is not None, "numbers are answered by numbers"
    spread = float(((asked - asked.mean()) ** 2).sum())
    return 1 - float(((asked - answer) ** 2).sum()) / spread if spread > 0 else None
