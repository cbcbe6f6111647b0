"""What a mirror does to a sentence."""

import re

_SIDES = re.compile(r"\b(left|right)(?=(most|wards?|hand|-hand)?\b)", re.IGNORECASE)


def mirror(text: str) -> str:
    """Swap left and right in an expression: "the leftmost car" becomes "the rightmost car". Case is kept."""

    def other(match: re.Match) -> str:
        word = match.group(1)
        swapped = "right" if word.lower() == "left" else "left"
        return swapped.upper() if word.isupper() else swapped.title() if word[0].isupper() else swapped

    return _SIDES.sub(other, text)
