# highway-10: Srivastava et al. 2015 (arXiv 1507.06228); thin nets on MNIST, 50 gated units in a
# layer or 71 plain ones
# 85,660 parameters, 84,700 multiply-adds for one 784 input.
# Written by resgraph.

import torch
from torch import nn


class LinearWithActivation(nn.Linear):
    """A linear layer and what follows it: `LinearWithActivation(64, 4, relu=nn.ReLU())`."""

    def __init__(self, width_in: int, width: int, bias: bool = True, **then: nn.Module) -> None:
        super().__init__(width_in, width, bias)
        for name, module in then.items():
            self.add_module(name, module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = super().forward(x)
        for activation in self.children():
            x = activation(x)
        return x


class Highway(nn.Module):
    """H*T + x*(1 - T)

    Block `highway`.
    """

    def __init__(self):
        super().__init__()
        self.H = LinearWithActivation(50, 50, relu=nn.ReLU(inplace=True))
        self.T = LinearWithActivation(50, 50, sigmoid=nn.Sigmoid())

    def forward(self, x):
        T = self.T(x)
        return self.H(x) * T + x * (1 - T)


class Highway10(nn.Module):
    """(batch, 784) → (batch, 10)"""

    def __init__(self):
        super().__init__()
        self.first = LinearWithActivation(784, 50, relu=nn.ReLU(inplace=True))
        self.deep = nn.Sequential(*(Highway() for _ in range(9)))
        self.last = nn.Linear(50, 10)
        self.reset_parameters()

    def forward(self, x):
        x = self.first(x)
        x = self.deep(x)
        return self.last(x)

    def reset_parameters(self):
        """Start values: torch's own."""
        for module in self.modules():
            if module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()
        for module in self.modules():
            if isinstance(module, Highway):
                nn.init.constant_(module.get_parameter("T.bias"), -2.0)
