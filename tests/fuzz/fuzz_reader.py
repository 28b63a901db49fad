"""Fuzz the reader: any bytes become a tree or mistakes with places, in less than two seconds and
600 MB.

    pip install atheris
    python tests/fuzz/fuzz_reader.py -runs=200000                          # the zoo is where it
    starts
    python tests/fuzz/fuzz_reader.py -max_total_time=3600 corpus           # an hour; finds are kept
    in corpus/
    python tests/fuzz/fuzz_reader.py crash-0123abcd                        # one input again

Texts of even length go to the C loader, the others to the Python loader of PyYAML, whose scanner
and parser are watched for coverage too. Arguments are libFuzzer's. Not collected by pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "language")]

with atheris.instrument_imports(include=["resgraph.language", "yaml"]):
    import yaml
    from promise import answers

    from resgraph.errors import SpecError
    from resgraph.language.yaml import reader

_DEFAULTS = ["-max_len=4096", "-timeout=2", "-rss_limit_mb=600"]
_LOADERS = [getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader]


def one_input(data: bytes) -> None:
    """Raises where the promise is broken."""
    reader.LOADER = _LOADERS[len(data) % 2]
    try:
        source = reader.decode(data, "fuzz.yaml")
    except SpecError:
        return
    answers(source.text)


def main() -> None:
    """Run libFuzzer, from the zoo on where it is told nothing else."""
    zoo = ",".join(
        str(spec) for spec in (HERE.parents[1] / "specs").glob("*.yaml")
    )
    defaults = [*_DEFAULTS, f"-seed_inputs={zoo}"]
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
