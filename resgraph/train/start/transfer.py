"""A recipe's `weights:` and a plan → which tensor of the net comes from where, before anything is
trained; and the net with these values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from torch import Tensor, nn

from ...dotted import scope_of
from ...errors import ResgraphError, RunError
from ...language.recipe import Train
from ...language.recipe.start import StartingWeights, is_frozen
from ...ops.base import Shape, shape_text
from ...outputs.pytorch.weights.convert import read_names
from ...outputs.pytorch.weights.files import read_state, said_of
from ...outputs.pytorch.weights.matching import Match, matched
from ...outputs.pytorch.weights.taking import need_numbers, one_to_one, take
from ...plan import Plan
from ...structs import Frozen
from .sources import WeightsFile, beside, found
from .statement import StatedImages


class Transfer(Frozen):
    """Weights that a net starts from: the file, the state dict in it (its `key`, its tensors), and
    how it matches the entries of the net, whose shapes are `own`; those of the file are `its`."""

    file: WeightsFile
    key: str
    tensors: dict[str, Tensor]
    match: Match
    own: Mapping[str, Shape]
    its: Mapping[str, Shape]
    frozen: tuple[str, ...] = ()  # what of the net does not learn

    def give(self, net: nn.Module) -> None:
        """Gives the net what matches, and lets go of the file's tensors."""
        take(net, self.tensors, self.match)
        self.tensors.clear()

    def counts(self) -> str:
        """`159 kept, 2 new, …`: every tensor of either side is in one of these."""
        match = self.match
        counted = {
            "kept": match.kept,
            "adapted": match.adapted,
            "new": match.new,
            "not in the file": match.missing,
            "not used of the file": match.unused,
        }
        return ", ".join(
            f"{len(keys)} {said}" for said, keys in counted.items()
        )

    def title(self) -> str:
        """`weights of net.pth (`model_ema`): tensors 159 kept, …`"""
        of = f" (`{self.key}`)" if self.key else ""
        return f"weights of {self.file.named}{of}: tensors {self.counts()}"

    def lines(self, *, whole: bool) -> list[str]:
        """The plan of the transfer by module: what is kept only if `whole`."""
        rows = [row for row in self._rows() if whole or row[0] != "="]
        wide = max((len(ours) for _, ours, _ in rows), default=0)
        stated = self.file.stated
        images = (
            [f"  images: {stated.said}"] if stated and stated.said else []
        )
        return [
            self.title(),
            *images,
            *(f"  {s} {ours:<{wide}}  {said}" for s, ours, said in rows),
        ]

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        """A sign, one of our modules or entries, and what becomes of it."""
        match = self.match
        mixed = {*map(scope_of, (*match.adapted, *match.new))}
        kept = dict(
            pair
            if scope_of(pair[0]) in mixed
            else (scope_of(pair[0]), scope_of(pair[1]))
            for pair in match.kept.items()
        )
        yield from (
            ("=", ours, f"← {theirs}") for ours, theirs in kept.items()
        )
        for key, theirs in match.adapted.items():
            yield (
                "~",
                key,
                f"← {theirs}: {self._change(key, theirs)}, adapted",
            )
        for key, theirs in match.new.items():
            change = self._change(key, theirs)
            yield "+", key, f"new: {change} of {theirs}{self._fate(key)}"
        for key in match.missing:
            yield "+", key, f"new: not in the file{self._fate(key)}"
        for key in match.unused:
            yield "-", key, "not used of the file"

    def _fate(self, key: str) -> str:
        """Of what no weights are for, and none will be learned."""
        stays = is_frozen(key, self.frozen)
        return ", and stays as it begins, by `freeze`" if stays else ""

    def _change(self, key: str, theirs: str) -> str:
        return f"{shape_text(self.own[key])} in place of {shape_text(self.its[theirs])}"

    def document(self) -> dict[str, Any]:
        """As JSON."""
        file, match = self.file, self.match
        return {
            "named": file.named,
            "file": str(file.path.absolute()),
            "sha256": file.sha256,
            "key": self.key,
            "stated": file.stated.document() if file.stated else None,
            "kept": match.kept,
            "adapted": match.adapted,
            "new": match.new,
            "missing": list(match.missing),
            "unused": list(match.unused),
        }


def transfer(
    plan: Plan, start: StartingWeights, file: WeightsFile
) -> Transfer:
    """How the weights of a file match a plan. Raises `RunError` where the file cannot be read, or
    is of another net."""
    state = read_state(file.path, start.key)
    names = read_names(_map(plan, start.map)) if start.map else {}
    own = _shapes(plan.module(device="meta").state_dict())
    its = _shapes(state.tensors)
    with said_of(state):
        match = matched(own, its, names)
        need_numbers(state.tensors, match)
    return Transfer(file, state.key, state.tensors, match, own, its)


def would_start(plan: Plan, weights: StartingWeights) -> Transfer:
    """How weights match a plan; a relative path is one from the current directory."""
    return transfer(plan, weights, found(weights.file))


def loaded(
    plan: Plan, weights: StartingWeights
) -> tuple[nn.Module, Transfer]:
    """The net of a plan with weights from elsewhere, and nothing else. Raises `AlignmentError`
    where a tensor of either side is left over."""
    taken = would_start(plan, weights)
    one_to_one(taken.match)
    net = plan.module()
    taken.give(net)
    return net, taken


def _shapes(entries: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {key: tuple(value.shape) for key, value in entries.items()}


def _map(plan: Plan, written: str) -> Path:
    return beside(
        plan, Path(written).expanduser(), "train", "weights", "map"
    )


class Began(Frozen):
    """What a run wrote of the weights that it began with, and whether it has a checkpoint since."""

    weights: Mapping[str, Any]
    saved: bool

    def again(self, start: StartingWeights) -> WeightsFile:
        """The same file once more. Raises `RunError` where it is another by now."""
        path = Path(self.weights["file"])
        stated = StatedImages.read(self.weights["stated"])
        file = WeightsFile.at(start.file, path, stated)
        if file.sha256 != self.weights["sha256"]:
            raise RunError(
                f"{path} has other weights than when the run began; put those back, or begin"
                " again with `resgraph build`"
            )
        return file


def start_of(
    plan: Plan, train: Train, began: Began | None = None
) -> tuple[Transfer | None, StatedImages | None]:
    """What a run starts from, and what is said of it; a run with a checkpoint has its weights, and
    needs none of a file.

    Raises at the place of the recipe where weights cannot be had, or are of another net."""
    start = train.start
    if start is None:
        return None, None
    if began and began.saved:
        return None, StatedImages.read(began.weights.get("stated"))
    with _placed(plan):
        file = began.again(start) if began else found(start.file, plan)
        taken = transfer(plan, start, file)
        return replace(taken, frozen=train.frozen), file.stated


@contextmanager
def _placed(plan: Plan) -> Iterator[None]:
    """Says of an error where the spec names the weights."""
    try:
        yield
    except ResgraphError as error:
        span = plan.spec.place("train", "weights")
        raise type(error)(f"{span}: `weights`: {error}") from None
