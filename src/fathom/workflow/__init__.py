"""Floor 9: a verb each, tying the floors below together around a run folder.

May import everything but the command and the scikit-learn estimators.
"""
