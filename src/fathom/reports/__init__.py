"""Floor 7: what a person reads: the report page with its charts, and the model card.

Works on plain records filled by `workflow`; imports `fathom.base` and `fathom.metrics` only.
"""
