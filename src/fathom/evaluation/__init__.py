"""Floor 7: is a model better than guessing, by how much, how sure, and right about itself?

Scores with intervals, baselines with a fair chance, paired tests, calibration, conformal sets and
the count of looks at the test rows. Works on plain arrays; imports `fathom.base` and
`fathom.metrics` only.
"""
