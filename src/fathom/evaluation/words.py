"""Numbers as people read them, in sentences."""

import math


def number_in_words(value: float) -> str:
    """Four figures, thousands set apart, no exponent unless it is needed.

    Example:
        >>> [number_in_words(value) for value in (44102.3, 0.71234, -0.00031, 12.0)]
        ['44,102', '0.7123', '-0.00031', '12']
    """
    if not math.isfinite(value):
        return "none"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e15 or size < 1e-6:
        return f"{value:.3g}"
    decimals = max(0, 3 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def p_in_words(p_value: float) -> str:
    """A p-value with the figures that it deserves.

    Example:
        >>> p_in_words(0.0312), p_in_words(0.00001)
        ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def share_in_words(share: float) -> str:
    """A share as a percentage.

    Example:
        >>> share_in_words(0.9042)
        '90.4 %'
    """
    return f"{100 * share:.3g} %"


def times_in_words(p_value: float) -> str:
    """How often something happens, as a count out of a round number.

    Example:
        >>> times_in_words(0.03), times_in_words(0.0004), times_in_words(0.004)
        ('3 times in 100', 'less than once in 1,000', '4 times in 1,000')
    """
    if p_value < 0.001:
        return "less than once in 1,000"
    if p_value > 0.995:
        return "every time"
    whole = 1000 if p_value < 0.00995 else 100
    times = round(p_value * whole)
    return f"{'once' if times == 1 else f'{times} times'} in {whole:,}"
