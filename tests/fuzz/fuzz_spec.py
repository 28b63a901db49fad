"""Fuzz the compiler: any text becomes a net or mistakes with places, in less than two seconds and
600 MB.

    pip install atheris
    python tests/fuzz/fuzz_spec.py -runs=100000                            # small specs are where
    it starts
    python tests/fuzz/fuzz_spec.py -max_total_time=3600 corpus             # an hour; finds are kept
    in corpus/
    python tests/fuzz/fuzz_spec.py crash-0123abcd                          # one input again

The language, the passes and the ops are watched for coverage; libFuzzer is given the words of the
language. A net that holds together is also written as a table. Arguments are libFuzzer's. Not
collected by pytest."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT)]

with atheris.instrument_imports(
    include=["resgraph.language", "resgraph.passes", "resgraph.ops"]
):
    from resgraph.errors import SpecError, UsageError
    from resgraph.language.grammar.words import CONSTANTS, MODES, POLICIES
    from resgraph.ops import VOCABULARY
    from resgraph.plan import loads

_DEFAULTS = ["-max_len=1500", "-timeout=10", "-rss_limit_mb=900"]
_SMALL = 1500  # bytes of a seed


def one_input(data: bytes) -> None:
    """Raises where the promise is broken: an exception that is none of ours, or a mistake without
    code or place."""
    text = data.decode("utf-8", "replace")
    try:
        plan = loads(text)
    except SpecError as problem:
        for found in problem.diagnostics:
            lines = (
                found.span.source.text.split("\n") if found.span else [""]
            )
            assert found.code, found
            assert not found.span or 1 <= found.span.line <= len(lines), (
                found
            )
            assert found.frame()
        return
    except UsageError:
        return
    assert plan.table()
    assert plan.unmet() is not None


def main() -> None:
    """Run libFuzzer, from small specs on where it is told nothing else."""
    specs = [
        *(ROOT / "specs").glob("*.yaml"),
        *(ROOT / "resgraph" / "library" / "starters").glob("*.yaml"),
    ]
    seeds = ",".join(
        str(spec) for spec in specs if spec.stat().st_size <= _SMALL
    )
    words = sorted(
        {
            *VOCABULARY,
            *CONSTANTS,
            *MODES,
            *POLICIES,
            "merge",
            "let",
            "blocks",
            "net",
            "variants",
            "unit",
        }
    )
    with tempfile.NamedTemporaryFile(
        "w", suffix=".dict", delete=False
    ) as dictionary:
        dictionary.write("\n".join(f'"{word}"' for word in words))
    defaults = [
        *_DEFAULTS,
        f"-seed_inputs={seeds}",
        f"-dict={dictionary.name}",
    ]
    told = {argument.split("=")[0] for argument in sys.argv[1:]}
    atheris.Setup(
        [
            sys.argv[0],
            *(d for d in defaults if d.split("=")[0] not in told),
            *sys.argv[1:],
        ],
        one_input,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
