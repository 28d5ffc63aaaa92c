"""What the two pytabkit peers share. pytabkit refuses missing numbers, so they are filled first."""

from typing import Any

import pandas as pd

from benchmarks.tables.peers.common import Answer, Table, category_text, fill_numbers


def fit_and_predict(table: Table, classifier: Any, regressor: Any) -> Answer:
    """Tuned defaults, one split (a fifth of the training rows is held out), CPU."""
    train, test = fill_numbers(table)
    train, test = _as_text(train, table), _as_text(test, table)
    chosen = classifier if table.classification else regressor
    model = chosen(device="cpu", random_state=table.seed, n_threads=table.threads)
    model.fit(train, table.target, cat_col_names=table.categories)
    if table.classification:
        return Answer(model.predict_proba(test), model.classes_)
    return Answer(model.predict(test))


def _as_text(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    return frame.assign(**{name: category_text(frame[name]) for name in table.categories})
