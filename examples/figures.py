"""Draw every picture of the README and of this folder again, and the tables of README and
manual: `python examples/figures.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import resgraph
from resgraph.outputs.figure.render import render
from resgraph.outputs.heat import STATIC
from resgraph.outputs.registry import OUTPUTS

ROOT = Path(__file__).resolve().parents[1]

NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "resnet-50.svg": ("specs/resnet.yaml::resnet-50", {}),
    "resnet-1202-dark.svg": (
        "specs/cifar-resnet.yaml::resnet-1202",
        {"theme": "dark"},
    ),
    "densenet-121.svg": ("specs/densenet.yaml::densenet-121", {}),
    "residual-u-net.svg": ("specs/res-unet.yaml", {}),
    "highway.svg": ("specs/cifar-highway.yaml::highway-19", {}),
    "se-resnext-block.svg": (
        "specs/se-resnext-26-d.yaml",
        {"only": "conv3.0"},
    ),
    "bottleneck.svg": (
        "specs/resnet.yaml::resnet-152",
        {"only": "conv3.0"},
    ),
    "digits.svg": ("specs/digits.yaml", {"view": "ops"}),
}
FIGURE_3 = (
    "specs/vgg.yaml::vgg-19",
    "specs/plain.yaml::plain-34",
    "specs/resnet-34-options.yaml::resnet-34-a",
)


def drawings() -> dict[Path, str]:
    """Every file that this program makes, and its text."""
    folder = ROOT / "examples" / "figures"
    out = {
        folder / name: resgraph.load(ROOT / spec).svg(**look)
        for name, (spec, look) in NETS.items()
    }
    out[folder / "figure-3.svg"] = str(
        render([resgraph.load(ROOT / spec) for spec in FIGURE_3], "svg")
    )
    painted = resgraph.load(ROOT / "specs/resnet.yaml::resnet-50")
    out[folder / "resnet-50-params.svg"] = painted.svg(
        paint=[STATIC["params"](painted.graph)]
    )
    for page in (ROOT / "README.md", ROOT / "docs" / "outputs.md"):
        text = re.sub(
            r"<!-- table: (\S+) -->\n```text\n.*?```\n",
            _table,
            page.read_text("utf-8"),
            flags=re.DOTALL,
        )
        out[page] = re.sub(
            r"(?<=<!-- formats -->\n).*?(?=\n\n)",
            _formats(),
            text,
            flags=re.DOTALL,
        )
    return out


def _table(found: re.Match[str]) -> str:
    table = resgraph.load(ROOT / found[1]).table()
    return f"<!-- table: {found[1]} -->\n```text\n{table}```\n"


def _formats() -> str:
    """A row for each command, with what its `--format` may be."""
    rows: dict[str, list[str]] = {}
    for output in OUTPUTS.values():
        rows.setdefault(output.command, []).append(
            f"`{output.name}` ({output.about})"
        )
    lines = [
        f"| `{command}` | {', '.join(rows[command])} |"
        for command in ("render", "show", "export")
    ]
    return "\n".join(["| command | formats |", "|---|---|", *lines])


def main() -> None:
    """Write what has changed."""
    for path, text in drawings().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"drew {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
