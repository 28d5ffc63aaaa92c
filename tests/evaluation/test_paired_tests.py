"""The classical tests against scipy, closed forms and brute force."""

import numpy as np
import pytest
from scipy import stats

from fathom.base.errors import DataError
from fathom.evaluation.paired import delong_test, mcnemar_test, paired_t_test, wilcoxon_test
from fathom.metrics.ranking import roc_auc


def test_delong_difference_and_brute_force_variance() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], [23, 17])
    first, second = (truth + rng.normal(size=40)).round(1), (truth + rng.normal(size=40)).round(1)
    found = delong_test(truth, first, second)
    assert found.difference == pytest.approx(
        float(roc_auc(truth, first)) - float(roc_auc(truth, second))
    )

    def kernel(score: np.ndarray) -> np.ndarray:
        gap = score[truth == 1][:, None] - score[truth == 0][None, :]
        return (gap > 0) + 0.5 * (gap == 0)

    wins = kernel(first) - kernel(second)
    variance = wins.mean(axis=1).var(ddof=1) / 17 + wins.mean(axis=0).var(ddof=1) / 23
    expected = 2 * stats.norm.sf(abs(wins.mean()) / np.sqrt(variance))
    assert found.p_value == pytest.approx(expected)


def test_delong_needs_both_classes() -> None:
    with pytest.raises(DataError, match="The DeLong test needs two rows of each class"):
        delong_test(np.array([0, 0, 1]), np.arange(3.0), np.arange(3.0))


def test_mcnemar_counts_disagreements_only() -> None:
    first = np.array([True] * 9 + [False] * 2 + [True] * 50)
    second = np.array([False] * 9 + [True] * 2 + [True] * 50)
    found = mcnemar_test(first, second)
    assert found.difference == pytest.approx(7 / 61)
    assert found.p_value == pytest.approx(2 * stats.binom.cdf(2, 11, 0.5))
    assert mcnemar_test(first, first).p_value == 1.0


def test_paired_t_against_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=37), 1.2 * rng.normal(size=37)
    expected = stats.ttest_rel(first**2, second**2)
    assert paired_t_test(first, second).p_value == pytest.approx(float(expected.pvalue))
    assert paired_t_test(first, first).p_value == 1.0


def test_wilcoxon_against_scipy() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=37), 1.5 * rng.normal(size=37)
    expected = stats.wilcoxon(first**2, second**2)
    assert wilcoxon_test(first, second).p_value == pytest.approx(float(np.asarray(expected)[1]))
    assert wilcoxon_test(first, first).p_value == 1.0
