"""Makes the .npz files here with PyTorch 1.13 in float64: python3 truth.py

Each holds the state_dict of the network that the .yaml file of its name describes, and
what PyTorch computes with it, under names that begin with truth/.
"""

import numpy as np
import torch
from collections import OrderedDict
from torch import nn


class Residual(nn.Module):
    def __init__(self, layers, shortcut=()):
        super().__init__()
        self.layers = nn.Sequential(*layers) if isinstance(layers, tuple) else layers
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


def named(*layers):
    """A Sequential of layers and (name, layer) pairs; a layer alone is named by its index."""
    return nn.Sequential(OrderedDict(l if isinstance(l, tuple) else (str(i), l) for i, l in enumerate(layers)))


class Images(nn.Module):
    """The names given in the file are not below those of the residual layer."""

    def __init__(self):
        super().__init__()
        inner = nn.BatchNorm2d(6)
        self.net = named(
            nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False), nn.BatchNorm2d(4), nn.GELU(),
            ("grouped", nn.Conv2d(4, 6, 3, padding=2, dilation=2, groups=2)), nn.Tanh(),
            nn.MaxPool2d(3, stride=2, padding=1), nn.LayerNorm([6, 3, 4]),
            Residual(
                (nn.Conv2d(6, 6, 3, padding=1, groups=3), inner, nn.ReLU(), nn.Conv2d(6, 6, 1)),
                (nn.Conv2d(6, 6, 1, bias=False), nn.BatchNorm2d(6)),
            ),
            nn.LeakyReLU(), nn.AvgPool2d(2, stride=1, padding=1), nn.Flatten(), nn.Linear(120, 5, bias=False),
            nn.BatchNorm1d(5), nn.Softplus(), ("out", nn.Linear(5, 3)),
        )

    def forward(self, x):
        return self.net(x)


nets = {
    "images": ((2, 9, 8), Images().net, {"7.layers.1": "inner"}),
    "nested": ((1, 7, 6), named(
        nn.Conv2d(1, 3, (2, 4), padding="same"), nn.Sigmoid(),
        ("block", Residual((nn.BatchNorm2d(3), Residual((nn.Conv2d(3, 3, 3, padding="same", dilation=2),))))),
        nn.AvgPool2d(3, stride=(2, 1), padding=1, count_include_pad=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3),
    ), {"6": "5"}),  # PyTorch needs a layer more
    "features": ((4,), named(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.GELU(), nn.LayerNorm(6), Residual((nn.Linear(6, 6), nn.Tanh())), nn.Linear(6, 3),
    ), {}),
}


def renamed(name, names):
    for old, new in names.items():
        if name.startswith(old + "."):
            return new + name[len(old):]
    return name


def flat(tensors):
    return torch.cat([t.reshape(-1) for t in tensors])


torch.manual_seed(1)
for title, (shape, net, names) in nets.items():
    net.double()
    for m in net.modules():  # away from the initial values, where a mistake could hide
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            m.running_mean.normal_(std=0.3)
            m.running_var.uniform_(0.5, 2)
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.normal_(m.weight, 1, 0.3)
            nn.init.normal_(m.bias, std=0.3)
    x, y = torch.randn(5, *shape, dtype=torch.float64), torch.tensor([0, 1, 2, 1, 0])
    params = list(net.parameters())
    v = torch.randn(sum(p.numel() for p in params), dtype=torch.float64)
    arrays = {renamed(k, names): t.numpy().copy() for k, t in net.state_dict().items()}
    truth = {"x": x, "y": y, "v": v}
    for form in "measured", "trained":
        net.train(form == "trained")
        logits = net(x)
        loss = nn.functional.cross_entropy(logits, y)
        grad = flat(torch.autograd.grad(loss, params, create_graph=True))
        hv = flat(torch.autograd.grad(grad @ v, params))
        truth |= {f"{form}/logits": logits, f"{form}/loss": loss, f"{form}/gradient": grad, f"{form}/hv": hv}
    truth |= {"after/" + renamed(k, names): t for k, t in net.state_dict().items() if "running" in k}
    np.savez(title + ".npz", **arrays, **{"truth/" + k: np.asarray(t.detach()) for k, t in truth.items()})
