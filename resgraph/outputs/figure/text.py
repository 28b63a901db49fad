"""A line of text → how wide it is drawn: advance widths in a table, so that a layout needs no font.

The widths are the larger of Inter's and of Arial's (measured from the fonts, in thousandths of the size), so that a
text stays within what was reserved for it with any of the fonts that a picture asks for.
"""

from __future__ import annotations


def _numbers(table: str) -> list[int]:
    return [int(word) for word in table.split()]


_REGULAR = _numbers(
    """
    281 278 403 631 638 862 647 222 362 362 500 659 280 460 276 357 625 539 605 636 642 608 624 571 616
    624 276 280 659 659 659 539 985 676 651 727 719 647 593 754 740 269 543 652 562 889 753 761 647 761
    701 647 642 741 676 949 647 665 625 362 357 362 469 539 497 564 621 558 621 582 361 609 591 237 237
    544 237 869 585 597 609 609 372 523 364 581 557 812 540 557 541 362 327 362 659
    """
)
_SEMIBOLD = _numbers(
    """
    269 323 460 643 649 862 701 231 393 393 543 673 295 466 290 379 667 539 621 652 666 632 648 587 646
    648 323 323 673 673 673 593 999 724 701 744 724 647 593 755 744 275 561 701 593 906 741 775 647 776
    701 649 660 734 724 1007 690 705 653 393 379 393 566 539 497 575 630 577 630 593 377 625 613 269 269
    569 269 898 610 608 625 625 397 549 380 608 576 837 562 576 562 393 358 393 673
    """
)
_WIDE = {"×": 673, "→": 1000, "·": 333, "–": 556, "−": 673, "…": 1000, "⊕": 1031, "⊙": 1031, "²": 423}
_OTHER, _EAST_ASIAN = 680, 1050


def _advance(character: str, table: list[int]) -> int:
    code = ord(character)
    if 32 <= code < 127:
        return table[code - 32]
    return _WIDE.get(character, _EAST_ASIAN if code > 0x2E7F else _OTHER)


def width(text: str, size: float, weight: int = 400) -> float:
    """The width of `text` in pixels at `size`; weights of 550 and more are taken as semibold."""
    table = _SEMIBOLD if weight >= 550 else _REGULAR
    return sum(_advance(character, table) for character in text) * size / 1000


def fit(text: str, size: float, room: float, weight: int = 400) -> str:
    """`text`, cut with an ellipsis where it is wider than `room`."""
    if width(text, size, weight) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + "…", size, weight) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
