"""Ridge regression (penalty by leave-one-out) or logistic regression on scaled, one-hot columns."""

import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline

from benchmarks.tables.peers.common import Answer, Table, main
from benchmarks.tables.peers.preparation import prepare


def fit_and_predict(table: Table) -> Answer:
    """The yardstick below which no other tool should fall."""
    if table.classification:
        model = make_pipeline(prepare(table, sparse=True), LogisticRegression(max_iter=1000))
        model.fit(table.train, table.target)
        facts = {"num_iterations": int(model[-1].n_iter_.max())}
        return Answer(model.predict_proba(table.test), model.classes_, facts)
    model = make_pipeline(prepare(table, sparse=False), RidgeCV(alphas=np.logspace(-3, 3, 13)))
    model.fit(table.train, table.target)
    return Answer(model.predict(table.test), facts={"alpha": float(model[-1].alpha_)})


if __name__ == "__main__":
    main(fit_and_predict, ["scikit-learn", "pandas", "numpy"])
