"""Floor 7: what a careful person would notice in tables before training, as findings.

May import from `base`, `columns`, `metrics` and `tables`; never from a package on its own floor.
It proposes and never deletes.
"""
