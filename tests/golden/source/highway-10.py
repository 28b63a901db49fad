# highway-10: Srivastava et al. 2015 (arXiv 1507.06228); thin nets on MNIST, 50 gated units in a
# layer or 71 plain ones
# 85,660 parameters, 84,700 multiply-adds for one 784 input.
# Written by resgraph.

from torch import nn


class Highway(nn.Module):
    """H*T + x*(1 - T)

    Block `highway`.
    """

    def __init__(self):
        super().__init__()
        self.H = nn.Linear(50, 50)
        self.H_relu = nn.ReLU(inplace=True)
        self.T = nn.Linear(50, 50)
        self.T_sigmoid = nn.Sigmoid()

    def forward(self, x):
        T = self.T_sigmoid(self.T(x))
        return self.H_relu(self.H(x)) * T + x * (1 - T)


class Highway10(nn.Module):
    """(batch, 784) → (batch, 10)"""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(784, 50)
        self.first_relu = nn.ReLU(inplace=True)
        self.deep = nn.Sequential(*(Highway() for _ in range(9)))
        self.last = nn.Linear(50, 10)
        self.reset_parameters()

    def forward(self, x):
        x = self.first_relu(self.first(x))
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
