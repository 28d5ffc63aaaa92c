"""What splits are called in the names of folders, files and arrays."""

SPLITS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "t10k"),
}
_SPLIT_OF = {word: split for split, words in SPLITS.items() for word in words}


def split_called(word: str) -> str:
    """Which split a word means; "" = none.

    Example:
        >>> split_called("VAL"), split_called("latest")
        ('validation', '')
    """
    return _SPLIT_OF.get(word.lower(), "")
