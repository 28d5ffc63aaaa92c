"""Floor 1: what a column may be, and what it was found to be. Values, no modules.

May import `base` only.
"""
