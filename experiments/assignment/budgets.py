"""Dividing an amount by weights so that nothing is lost and nothing is made up."""

from collections.abc import Sequence


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Return the part of a whole amount for each weight, by largest remainder; the parts add up to it exactly.

    Of equal remainders the first gets the unit that is left. Without any weight nothing can be divided: ValueError.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights: must be 0 or more and not all 0")
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
