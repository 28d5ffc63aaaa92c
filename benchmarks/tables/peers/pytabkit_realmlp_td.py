"""RealMLP with tuned defaults, from pytabkit."""

from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

from benchmarks.tables.peers.common import main
from benchmarks.tables.peers.pytabkit_common import fit_and_predict

if __name__ == "__main__":
    main(
        lambda table: fit_and_predict(table, RealMLP_TD_Classifier, RealMLP_TD_Regressor),
        ["pytabkit", "torch", "pandas", "numpy"],
    )
