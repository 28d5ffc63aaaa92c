"""CatBoost with its defaults, told which columns are categories."""

from catboost import CatBoostClassifier, CatBoostRegressor

from benchmarks.tables.peers.common import Answer, Table, category_text, main


def fit_and_predict(table: Table) -> Answer:
    """The default number of trees and learning rate; no rows are held out."""
    train, test = table.train.copy(), table.test.copy()
    for name in table.categories:
        train[name], test[name] = category_text(train[name]), category_text(test[name])
    chosen = CatBoostClassifier if table.classification else CatBoostRegressor
    model = chosen(
        cat_features=table.categories,
        random_seed=table.seed,
        thread_count=table.threads,
        verbose=False,
        allow_writing_files=False,
    )
    model.fit(train, table.target)
    facts = {"num_iterations": int(model.tree_count_)}
    if table.classification:
        return Answer(model.predict_proba(test), model.classes_, facts)
    return Answer(model.predict(test), facts=facts)


if __name__ == "__main__":
    main(fit_and_predict, ["catboost", "pandas", "numpy"])
