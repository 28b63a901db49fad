"""A seed and a number → a net of the zoo with a recipe that is changed, in the file or by `--set`."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from draft import Draft, small
from mutants import SPECS, Mutant, mutated, variants, zoo
from pool import RECIPES, TRAIN


def recipe_mutant(seed: int, number: int) -> Mutant:
    """One to three keys of a recipe of the net's own kind; in one of four the net is changed, too.

    A recipe of another kind asks for other images than the net takes: most such are refused.
    """
    chance = random.Random(f"recipe:{seed}:{number}")
    name = chance.choice(
        [
            name
            for name, text in zoo().items()
            if re.search(r"(?m)^train:", text)
        ]
    )
    draft = Draft(Draft(small(zoo()[name])).without_key("expect"))
    used = re.search(r"[a-z]+", draft.of(draft.root["train"][1]))
    kind = used[0] if used else ""
    recipe = chance.choice(
        [each for each in RECIPES if each.startswith(kind)] or RECIPES
    )
    keys = dict(chance.sample(TRAIN, chance.choice([1, 1, 2, 2, 3])))
    in_file = {
        key: value for key, value in keys.items() if chance.random() < 0.7
    }
    said = ", ".join(
        f"{key}: {value}"
        for key, value in {"recipe": recipe, **in_file}.items()
    )
    text = draft.with_key("train", f"{{{said}}}")
    made = Mutant(
        number,
        SPECS / name,
        text,
        chance.choice(variants(text) or [None]),
        (),
        (),
    )
    if chance.random() < 0.25:
        made = mutated(number, name, text, chance)
    by_set = tuple(
        f"train.{key}={value}"
        for key, value in keys.items()
        if key not in in_file
    )
    return replace(
        made,
        overrides=made.overrides + by_set,
        kinds=("recipe", *made.kinds),
    )
