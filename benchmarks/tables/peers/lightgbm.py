"""LightGBM with its defaults; pandas' category columns are taken as categories by itself."""

from lightgbm import LGBMClassifier, LGBMRegressor

from benchmarks.tables.peers.common import Answer, Table, main


def fit_and_predict(table: Table) -> Answer:
    """The default number of trees; missing cells are understood natively."""
    # LightGBM refuses names that hold JSON's special characters, so columns go by position.
    names = [f"column_{position}" for position in range(table.train.shape[1])]
    train, test = table.train.set_axis(names, axis=1), table.test.set_axis(names, axis=1)
    chosen = LGBMClassifier if table.classification else LGBMRegressor
    model = chosen(random_state=table.seed, n_jobs=table.threads, verbose=-1)
    model.fit(train, table.target)
    facts = {"num_iterations": int(model.n_iter_)}
    if table.classification:
        return Answer(model.predict_proba(test), model.classes_, facts)
    return Answer(model.predict(test), facts=facts)


if __name__ == "__main__":
    main(fit_and_predict, ["lightgbm", "pandas", "numpy"])
