"""scikit-learn's histogram gradient boosting, with its defaults."""

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from benchmarks.tables.peers.common import Answer, Table, main

# The implementation refuses a category column with more values than this.
MAX_CATEGORIES = 255


def fit_and_predict(table: Table) -> Answer:
    """Categories are passed as such; missing cells are understood natively."""
    kept = [
        name
        for name in table.train.columns
        if name in table.numbers or table.train[name].nunique() <= MAX_CATEGORIES
    ]
    chosen = HistGradientBoostingRegressor
    if table.classification:
        chosen = HistGradientBoostingClassifier
    model = chosen(categorical_features="from_dtype", random_state=table.seed)
    model.fit(table.train[kept], table.target)
    facts = {"num_iterations": int(model.n_iter_), "num_columns_kept": len(kept)}
    if table.classification:
        return Answer(model.predict_proba(table.test[kept]), model.classes_, facts)
    return Answer(model.predict(table.test[kept]), facts=facts)


if __name__ == "__main__":
    main(fit_and_predict, ["scikit-learn", "pandas", "numpy"])
