"""Try the law on mutants of the zoo, and keep what was found in a file, so that it goes on where it
was stopped.

    python tests/fuzz/run_mutants.py --count 10000 --state all.jsonl               # the law
    python tests/fuzz/run_mutants.py --count 1000 --state all.jsonl --part run
    python tests/fuzz/run_mutants.py --count 100 --state all.jsonl --part export
    python tests/fuzz/run_mutants.py --count 1000 --state all.jsonl --part recipe
    python tests/fuzz/run_mutants.py --only 4711                                   # one, with its text

The law: check, draw, write, round-trip. `run` goes forward and backward, `export` writes .pt2 and
.onnx; their count is of the law's mutants that `check` accepts. `recipe` has mutants of its own,
whose recipe is changed; its count is of those accepted, each made ready to train. A sample is
`test_mutants.py`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from law import Broken, Verdict, forget, holds, verdict  # noqa: E402
from mutants import Mutant, mutant  # noqa: E402
from recipe_mutants import recipe_mutant  # noqa: E402

Found = dict[str, Any]
SEED = 20261128


def tried(made: Mutant, part: str) -> Found:
    """One mutant under one part of the law: whether `check` accepts it, and what broke."""
    began = time.process_time()
    found: Found = {
        "number": made.number,
        "part": part,
        "kinds": made.kinds,
        "accepted": False,
    }
    try:
        answer = verdict(made)
        found |= {
            "accepted": answer.plan is not None,
            "codes": answer.codes,
        }
        found |= (
            {"note": note} if (note := _obeyed(made, answer, part)) else {}
        )
    except Broken as problem:
        found["broken"] = str(problem)
    except Exception:
        found["broken"] = traceback.format_exc(limit=-8)
    finally:
        forget()
    return found | {"seconds": round(time.process_time() - began, 3)}


def _obeyed(made: Mutant, answer: Verdict, part: str) -> str:
    if answer.plan is None:
        return ""
    if part == "law":
        holds(made, answer.plan)
        return ""
    import torch

    torch.set_num_threads(1)
    if part == "recipe":
        from prepared import trains

        return trains(answer.plan)
    from executed import exports, runs

    return (runs if part == "run" else exports)(made, answer.plan)


def known(state: Path | None) -> list[Found]:
    """What a state file holds; a last line that is torn is not there."""
    lines = (
        state.read_text(encoding="utf-8").splitlines()
        if state and state.exists()
        else []
    )
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [each for each in found if "number" in each]


def make(seed: int, number: int, part: str) -> Mutant:
    return (recipe_mutant if part == "recipe" else mutant)(seed, number)


def go(
    seed: int, count: int, part: str, state: Path | None
) -> Iterator[Found]:
    """What is found of each mutant still to be tried, in order of their numbers."""
    before = known(state)
    own = [each for each in before if each["part"] == part]
    done = {each["number"] for each in own}
    if part in ("run", "export"):
        done |= {
            each["number"]
            for each in before
            if each["part"] == "law" and not each["accepted"]
        }
    had = sum(map(_counts, own))
    for number in itertools.count():
        if had >= count:
            return
        if number not in done:
            found = tried(make(seed, number, part), part)
            had += _counts(found)
            yield found


def _counts(found: Found) -> bool:
    """Whether it is one of the mutants that were asked for."""
    return found["part"] == "law" or (
        found["accepted"]
        and not found.get("note", "").startswith("skipped")
    )


def summary(found: list[Found]) -> str:
    """Totals, by part, by kind of mutation, and by the code of the first mistake."""
    lines = []
    for part in dict.fromkeys(each["part"] for each in found):
        own = [each for each in found if each["part"] == part]
        accepted = [e for e in own if e["accepted"]]
        broken = [e for e in own if "broken" in e]
        seconds = sum(e["seconds"] for e in own)
        lines.append(
            f"{part}: {len(own):,} mutants, {len(accepted):,} accepted, {len(broken)} broken, {seconds:,.0f} s"
        )
        notes = Counter(
            e["note"].partition(":")[0]
            for e in own
            if "note" in e and not e["note"][0].isdigit()
        )
        lines += [
            f"  {note}: {times}" for note, times in notes.most_common(8)
        ]
        if part == "law":
            kinds = Counter(kind for e in own for kind in set(e["kinds"]))
            taken = Counter(
                kind for e in accepted for kind in set(e["kinds"])
            )
            lines += [
                f"  {kind:28} {taken[kind]:5,} of {times:5,}"
                for kind, times in kinds.most_common()
            ]
            codes = Counter(e["codes"][0] for e in own if e.get("codes"))
            lines.append(
                "  first codes: "
                + ", ".join(
                    f"{code} {times}" for code, times in codes.most_common()
                )
            )
        lines += [
            f"  broken {e['number']}: {e['broken'].strip().splitlines()[-1][:200]}"
            for e in broken
        ]
    return "\n".join(lines)


def main() -> int:
    settings = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    settings.add_argument("--seed", type=int, default=SEED)
    settings.add_argument("--count", type=int, default=100)
    settings.add_argument(
        "--part", choices=["law", "recipe", "run", "export"], default="law"
    )
    settings.add_argument(
        "--state",
        type=Path,
        help="a line of JSON for each mutant; read first, then added to",
    )
    settings.add_argument(
        "--only",
        type=int,
        metavar="NUMBER",
        help="one mutant, all parts, with its text",
    )
    given = settings.parse_args()
    print(f"seed {given.seed}", flush=True)
    if given.only is not None:
        made = make(given.seed, given.only, given.part)
        print(made.told())
        found = [
            tried(made, part)
            for part in (
                ["law", "run"] if given.part == "law" else [given.part]
            )
        ]
        for each in found:
            print(
                json.dumps(
                    {k: v for k, v in each.items() if k != "broken"}
                ),
                each.get("broken", ""),
                sep="\n",
            )
        return int(any("broken" in each for each in found))
    found = known(given.state)
    file = given.state.open("a", encoding="utf-8") if given.state else None
    for each in go(given.seed, given.count, given.part, given.state):
        found.append(each)
        if file:
            print(json.dumps(each), file=file, flush=True)
        if "broken" in each:
            print(f"broken {each['number']}: {each['broken']}", flush=True)
    print(summary(found))
    print(
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB"
    )
    return int(any("broken" in each for each in found))


if __name__ == "__main__":
    sys.exit(main())
