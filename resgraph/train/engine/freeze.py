"""A net and the parts of it that a recipe freezes → the same net, in which these parts do not move:
no gradient, no weight decay, no running statistics."""

from __future__ import annotations

from types import MethodType

from torch import nn

from ...language.recipe.start import is_frozen


def freeze(net: nn.Module, words: tuple[str, ...]) -> frozenset[str]:
    """Freezes what `words` mean; the names of the parameters and buffers that stay as they are.

    What keeps statistics (a batch norm) is from now on as in evaluation, whoever calls `train()`.
    """
    if not words:
        return frozenset()
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(not is_frozen(name, words))
    for prefix, module in net.named_modules():
        if is_frozen(prefix, words) and any(
            True for _ in module.buffers(recurse=False)
        ):
            # copies and pickles bind it to themselves
            module.train = MethodType(_stay, module)
            module.eval()
    entries = (*net.named_parameters(), *net.named_buffers())
    return frozenset(name for name, _ in entries if is_frozen(name, words))


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return nn.Module.train(module, False)
