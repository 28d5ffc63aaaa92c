"""TabM with defaults, from pytabkit."""

from pytabkit import TabM_D_Classifier, TabM_D_Regressor

from benchmarks.tables.peers.common import main
from benchmarks.tables.peers.pytabkit_common import fit_and_predict

if __name__ == "__main__":
    main(
        lambda table: fit_and_predict(table, TabM_D_Classifier, TabM_D_Regressor),
        ["pytabkit", "torch", "pandas", "numpy"],
    )
