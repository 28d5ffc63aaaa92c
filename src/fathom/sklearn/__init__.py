"""Fathom's networks as scikit-learn estimators: `FathomClassifier` and `FathomRegressor`.

May import every floor but the command's; nothing imports it, so that `import fathom` stays fast.
"""

from fathom.sklearn.estimators import FathomClassifier, FathomRegressor

__all__ = ["FathomClassifier", "FathomRegressor"]
