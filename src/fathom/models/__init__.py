"""Floor 4: preparation, the one list kind -> encoder and head, `Network`, `Model`.

May import everything below.
"""
