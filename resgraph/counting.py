"""How many there are of something → how that is said: `1 image`, `2,000 images`."""


def counted(count: int, noun: str) -> str:
    """`1 image`, `2,000 images`; `classes` and `entries` too."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("s"):
        return f"{count:,} {noun}es"
    if noun.endswith("y"):
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}s"
