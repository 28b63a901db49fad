"""Draw every picture of the README and of this folder again, and the README's table: `python examples/figures.py`."""

from __future__ import annotations

import re
from pathlib import Path

import resgraph

ROOT = Path(__file__).resolve().parents[1]
FIGURES = {
    "resnet-50.svg": "specs/resnet.yaml::resnet-50",
    "digits.svg": "specs/digits.yaml",
}


def drawings() -> dict[Path, str]:
    """Every file that this program makes, and its text."""
    out = {
        ROOT / "examples" / "figures" / name: resgraph.load(ROOT / spec).svg(theme="auto")
        for name, spec in FIGURES.items()
    }
    readme = ROOT / "README.md"
    out[readme] = re.sub(r"<!-- table: (\S+) -->\n```\n.*?```\n", _table, readme.read_text("utf-8"), flags=re.DOTALL)
    return out


def _table(found: re.Match[str]) -> str:
    table = resgraph.load(ROOT / found[1]).table()
    return f"<!-- table: {found[1]} -->\n```\n{table}```\n"


def main() -> None:
    """Write what has changed."""
    for path, text in drawings().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"drew {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
