"""The page is one offline file, and does in a real browser what it says: unfold, find, follow a link, turn dark."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, browser
from drawn import ALL, RESIDUAL, plan

from resgraph import Plan, load, loads
from resgraph.outputs.figure.formats import html as viewer_module

SPECS = Path(__file__).parents[3] / "specs"
needs_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: apt install chromium"
)


def data_of(page: str) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="net">(.*?)</script>',
        page,
        re.DOTALL,
    )
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@pytest.mark.parametrize("name", ALL)
def test_every_node_can_be_unfolded_to(name: str) -> None:
    net = plan(name)
    data = data_of(net.to("html"))
    ids = set()
    for row in data["rows"]:
        for item in row["items"]:
            for leaf in item.get("blocks", [item]):
                for key in ("f", "o"):
                    if key in leaf:
                        drawn = data["fragments"][leaf[key]]["d"].replace(
                            viewer_module.PLACEHOLDER, leaf.get("n", "")
                        )
                        ids |= set(re.findall(r'<g id="([^"]*)"', drawn))
    assert set(net.graph.nodes) - {net.graph.input} <= ids


def test_it_needs_no_network() -> None:
    page = plan("residual").to("html")
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert addresses == set()
    assert not re.search(r"<(link|img|iframe)|@import|url\(", page)


def test_own_script_is_small() -> None:
    here = Path(viewer_module.__file__).parent
    assert (
        sum(
            here.joinpath(name).stat().st_size
            for name in ("viewer.js", "viewer.css")
        )
        < 60_000
    )


def test_equal_blocks_share_their_pictures() -> None:
    net = load(f"{SPECS}/cifar-resnet.yaml::resnet-1202")
    page = net.to("html")
    assert len(data_of(page)["fragments"]) < 25
    assert len(page) < 200_000


def test_a_spec_cannot_break_out_of_its_data() -> None:
    evil = '</script><img src=x onerror="window.broken=1"> <!-- '
    net = loads(RESIDUAL.replace("name: Residual", f"name: '{evil}'"))
    page = net.to("html")
    assert page.count("</script>") == 2
    assert data_of(page)["name"] == net.name
    assert "<img" not in page.split('id="net">')[0]


def run(net: Plan, tmp_path: Path, script: str, fragment: str = "") -> Any:
    """Open the page, run a script that fills `out`, and give back what it filled in."""
    file = tmp_path / "page.html"
    file.write_text(net.to("html"), encoding="utf-8")
    with browser() as page:
        page.open(f"{file.as_uri()}{fragment}", "main .row")
        page.until("document.readyState === 'complete'")
        return page.value(
            f"(() => {{ const out = {{}}; {script}; return out; }})()"
        )


IDS = "const ids = () => [...document.querySelectorAll('main svg g[id]')].map((g) => g.id);"
PRESS = "const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));"


@needs_a_browser
def test_in_a_browser_it_unfolds_and_folds(tmp_path: Path) -> None:
    out = run(
        plan("residual"), tmp_path,
        IDS + """
        out.before = ids();
        document.querySelector('#open-all').click(); out.all = ids();
        document.querySelector('#fold-all').click(); out.after = ids();
        document.querySelector('.toggle.many').click(); out.run = ids();
        """,
    )  # fmt: skip
    nodes = set(plan("residual").graph.nodes)
    assert nodes <= set(out["all"])
    assert len(out["all"]) == len(set(out["all"]))
    assert out["before"] == out["after"]
    assert "conv2.2.body.0" in out["run"]
    assert "conv2.2.body.0" not in out["before"]


@needs_a_browser
def test_in_a_browser_it_follows_a_deep_link_and_says_what_it_finds(
    tmp_path: Path,
) -> None:
    out = run(
        plan("residual"), tmp_path,
        "out.chosen = [...document.querySelectorAll('.chosen')].map((g) => g.id);"
        "out.said = document.querySelector('aside').innerText; out.hidden = document.querySelector('aside').hidden;"
        "out.captions = [...document.querySelectorAll('main svg text')].map((t) => t.textContent);",
        "#conv3.2.body.0.conv",
    )  # fmt: skip
    assert out["chosen"] == ["conv3.2.body.0.conv"]
    assert not out["hidden"]
    assert "conv3.2.body.0.conv" in out["said"]
    assert "9,216 params" in out["said"]
    assert "<text>:6" in out["said"]
    assert "conv3.2" in out["captions"]


@needs_a_browser
def test_in_a_browser_it_searches_moves_and_turns_dark(
    tmp_path: Path,
) -> None:
    out = run(
        plan("residual"), tmp_path,
        IDS + PRESS + """
        const search = document.querySelector('input');
        search.value = 'conv3.3.merge'; search.dispatchEvent(new Event('input'));
        out.count = document.querySelector('output').textContent;
        search.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}));
        out.found = document.querySelector('.chosen')?.id;
        search.value = ''; search.dispatchEvent(new Event('input'));
        press('Escape'); press('ArrowDown'); press('ArrowDown');
        out.second = document.querySelector('.chosen')?.id; out.ids = ids();
        press('e'); out.folded = ids().length;
        const ink = () => getComputedStyle(document.body).color;
        const before = ink(); press('d'); out.dark = ink() !== before;
        const group = [...document.querySelectorAll('main svg g[id]')].find((g) => g.id.startsWith('conv2.0.body'));
        group.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));
        out.lit = [...document.querySelectorAll('.on')].map((g) => g.id);
        """,
    )  # fmt: skip
    assert out["count"] == "2 found"
    assert out["found"].startswith("conv3.3.merge")
    assert out["second"] == out["ids"][1]
    assert out["dark"]
    assert len(out["lit"]) > 1
    assert all(name.startswith("conv2.0.body") for name in out["lit"])


@needs_a_browser
def test_in_a_browser_long_skips_are_drawn_over_the_pile(
    tmp_path: Path,
) -> None:
    out = run(
        plan("ladder"),
        tmp_path,
        "out.skips = document.querySelectorAll('svg.skips path.s-edge').length;",
    )
    assert out["skips"] == 2


@needs_a_browser
def test_in_a_browser_each_stream_has_its_wire(tmp_path: Path) -> None:
    out = run(
        load(SPECS / "hrnet.yaml"), tmp_path,
        """
        const all = (what, where = document) => [...where.querySelectorAll(what)];
        const told = () => ({
          into: all('main section.card').map((row) => all('.in path', row).length),
          gaps: all('[data-row="3"] [data-leaving]').map((item) => all('path', item.querySelector('svg')).length),
          skips: all('.skips circle').map((dot) => +dot.getAttribute('cx')),
          ends: all('.skips path').map((path) => /v[0-9.]+$/.test(path.getAttribute('d'))),
        });
        out.folded = told(); document.querySelector('#open-all').click(); out.unfolded = told();
        """,
    )  # fmt: skip
    for shown in (out["folded"], out["unfolded"]):
        assert shown["into"] == [1, 1, 2, 3, 1, 1, 1, 1]
        assert shown["gaps"][0] == 3
        assert set(shown["gaps"][1:]) == {4}
        # stage4.y2 to y4, each from its own lane
        assert len(set(shown["skips"])) == 3
        # down into the second entry of h2 to h4
        assert shown["ends"] == [True] * 3
