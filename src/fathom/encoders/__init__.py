"""Floor 3: fields to features, one file per kind.

May import `base`, floor 1 and `nets`. An encoder asks a fitted column for facts; it never looks
at data itself.
"""
