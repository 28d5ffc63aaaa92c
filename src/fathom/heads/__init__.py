"""Floor 3: features to an answer in the person's words, with its loss, one file per kind.

May import `base`, floor 1 and `nets`.
"""
