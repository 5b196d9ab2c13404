"""Seconds that PyTorch, numpy and scipy take for the work of hessoscope's benchmarks, as JSON: medians of many calls.

    OPENBLAS_NUM_THREADS=1 python3 docs/benchmark/peer.py [--dtype float32] [--threads 1]

Wants torch, numpy and scipy (Debian: python3-torch, python3-numpy, python3-scipy). Run it from the root of the project, for
the weights of its tests, with OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE unset, or the comparison flatters us.
"""

import argparse
import csv
import itertools
import json
import statistics
import time

import numpy as np
import scipy.linalg
import scipy.sparse.linalg
import torch
import torch.nn.functional as F

NETS = {
    "gauss": "callbacks/curvature/testdata/gauss_normal.npz",  # 2-100-100-3, 10,703 parameters
    "gauss_small": "callbacks/curvature/testdata/gauss_small.npz",  # 2-30-30-3, 1,113 parameters
}
DATA = "datasets/data/gauss.csv"
WIDE = ["100-100_300", "100-100_1000", "100-100_10000", "1000_1000", "512-512-512_1000"]  # hidden layers and samples
DIGITS = "models/testdata/mnist017.npz"  # a convolutional network, 7,203 parameters, with its samples


class Net:
    """A trained MLP with ReLUs and its training samples."""

    def __init__(self, name, dtype):
        arrays = np.load(NETS[name])
        self.params = [torch.tensor(arrays[k], dtype=dtype, requires_grad=True) for k in arrays.files]
        with open(DATA) as f:
            rows = [r for r in csv.DictReader(f) if r["split"] == "train"]
        self.x = torch.tensor([[float(r["x0"]), float(r["x1"])] for r in rows], dtype=dtype)
        self.y = torch.tensor([int(r["label"]) for r in rows])
        self.size = sum(p.numel() for p in self.params)

    def logits(self, h):
        for i in range(0, len(self.params), 2):
            h = F.linear(h, self.params[i], self.params[i + 1])
            if i + 2 < len(self.params):
                h = torch.relu(h)
        return h

    def loss(self, x=None, y=None):
        return F.cross_entropy(self.logits(self.x if x is None else x), self.y if y is None else y)

    def gradient(self, create_graph=False):
        return torch.autograd.grad(self.loss(), self.params, create_graph=create_graph)

    def hvp(self, v, gradient=None):
        """H·v; with the graph of a gradient, at the same parameters again."""
        g = flat(self.gradient(create_graph=True)) if gradient is None else gradient
        return flat(torch.autograd.grad(g @ v, self.params, retain_graph=gradient is not None)).detach()


class WideNet(Net):
    """An MLP of 784 inputs and ten classes on random samples, with PyTorch's initial parameters."""

    def __init__(self, name, dtype):
        hidden, samples = name.split("_")
        widths = [784, *map(int, hidden.split("-")), 10]
        layers = [torch.nn.Linear(i, o, dtype=dtype) for i, o in zip(widths, widths[1:])]
        self.params = [p for layer in layers for p in layer.parameters()]
        self.x, self.y = torch.rand(int(samples), 784, dtype=dtype), torch.randint(10, (int(samples),))
        self.size = sum(p.numel() for p in self.params)


class ConvNet(Net):
    """The trained convolutional network of the digits 0, 1 and 7, and its training samples."""

    def __init__(self, dtype):
        arrays = np.load(DIGITS)
        names = [f"{layer}.{kind}" for layer in ("conv1", "conv2", "out") for kind in ("weight", "bias")]
        self.params = [torch.tensor(arrays[k], dtype=dtype, requires_grad=True) for k in names]
        self.x = torch.tensor(arrays["x"], dtype=dtype) / 255
        self.y = torch.tensor(arrays["y"].astype(int))
        self.size = sum(p.numel() for p in self.params)

    def logits(self, h):
        for weight, bias in (self.params[:2], self.params[2:4]):
            h = F.max_pool2d(torch.relu(F.conv2d(h, weight, bias)), 2)
        return F.linear(h.flatten(1), *self.params[4:])


def flat(tensors):
    return torch.cat([t.reshape(-1) for t in tensors])


def seconds(work, calls):
    for _ in range(max(1, calls // 10)):
        work()
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def train_step(net, optimizer=torch.optim.SGD, **settings):
    """A step on the next 64 samples of a random order."""
    update = optimizer(net.params, lr=1e-3, **settings)
    batches = itertools.cycle(torch.randperm(len(net.x)).split(64)[: len(net.x) // 64])

    def step():
        rows = next(batches)
        update.zero_grad()
        net.loss(net.x[rows], net.y[rows]).backward()
        update.step()

    return step


def batch_gradient(net):
    x, y = net.x[:64], net.y[:64]
    return lambda: torch.autograd.grad(net.loss(x, y), net.params)


def top10(net):
    """The ten largest eigenpairs, as well as the precision allows."""
    gradient = flat(net.gradient(create_graph=True))
    kind = np.float64 if gradient.dtype == torch.float64 else np.float32
    operator = scipy.sparse.linalg.LinearOperator(
        (net.size, net.size), dtype=kind, matvec=lambda v: net.hvp(torch.tensor(v.reshape(-1).astype(kind)), gradient).numpy()
    )
    start = np.random.RandomState(0).randn(net.size).astype(kind)
    return lambda: scipy.sparse.linalg.eigsh(operator, k=10, which="LA", v0=start, tol=0 if kind == np.float64 else 1e-5)


def dense(net):
    """All eigenpairs of the Hessian. Products with 16 vectors at once are the fastest."""
    identity = torch.eye(net.size, dtype=net.x.dtype)

    def work():
        gradient = flat(net.gradient(create_graph=True))
        rows = []
        for vectors in identity.split(16):
            products = torch.autograd.grad(gradient, net.params, vectors, is_grads_batched=True, retain_graph=True)
            rows.append(torch.cat([p.reshape(len(vectors), -1) for p in products], 1))
        return scipy.linalg.eigh(torch.cat(rows).detach().numpy(), driver="evd")

    return work


def derivatives(name, net, calls):
    """Rows of the gradient and of H·v."""
    v = torch.tensor(np.random.RandomState(1).randn(net.size), dtype=net.x.dtype)
    graph = flat(net.gradient(create_graph=True))
    return {
        f"Gradient/{name}": seconds(net.gradient, calls),
        f"HVPFresh/{name}": seconds(lambda: net.hvp(v), calls),
        f"HVPAgain/{name}": seconds(lambda: net.hvp(v, graph), calls),
    }


def layers(dtype, calls):
    """Rows of layers on images, forward and with gradients."""
    x = torch.rand(16, 64, 32, 32, dtype=dtype, requires_grad=True)
    w = torch.rand(64, 1, 3, 3, dtype=dtype, requires_grad=True)
    y = F.conv2d(x, w, padding=1, groups=64)
    seed = torch.rand_like(y)
    rows = {
        "Conv2D/depthwise/forward": seconds(lambda: F.conv2d(x.detach(), w.detach(), padding=1, groups=64), calls),
        "Conv2D/depthwise/images": seconds(lambda: torch.autograd.grad(y, x, seed, retain_graph=True), calls),
        "Conv2D/depthwise/kernels": seconds(lambda: torch.autograd.grad(y, w, seed, retain_graph=True), calls),
    }
    images = torch.rand(64, 64, 32, 32, dtype=dtype, requires_grad=True)
    seeds = torch.rand_like(images)
    for name, shape, norm in (
        ("BatchNorm", [64], lambda x, scale, shift: F.batch_norm(x, None, None, scale, shift, training=True)),
        ("LayerNorm", [64, 32, 32], lambda x, scale, shift: F.layer_norm(x, scale.shape, scale, shift)),
    ):
        operands = [images, *(torch.rand(shape, dtype=dtype, requires_grad=True) for _ in range(2))]
        rows[f"Images/{name}/forward"] = seconds(lambda: norm(*(o.detach() for o in operands)), calls)
        rows[f"Images/{name}/both"] = seconds(lambda: torch.autograd.grad(norm(*operands), operands, seeds), calls)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    parser.add_argument("--threads", type=int, default=1, help="of OPENBLAS_NUM_THREADS; with more than one, wide networks alone")
    parser.add_argument("--calls", type=int, default=200, help="of the fast ones")
    args = parser.parse_args()
    # The threads are those of OpenBLAS (OPENBLAS_NUM_THREADS). A pool of PyTorch's own beside
    # them makes it up to 50 times slower, as the two wait for each other in loops.
    torch.set_num_threads(1)
    dtype = getattr(torch, args.dtype)
    slow = max(3, args.calls // 20)
    rows = {}
    for name in WIDE:
        rows |= derivatives(name, WideNet(name, dtype), slow)
    if args.threads == 1:
        net, digits = Net("gauss", dtype), ConvNet(dtype)
        a, b = (torch.rand(150, 100, dtype=dtype).numpy(), torch.rand(100, 100, dtype=dtype).numpy())
        rows |= derivatives("gauss", net, args.calls) | derivatives("mnist017", digits, slow) | layers(dtype, slow) | {
            "TrainStep/gauss": seconds(train_step(Net("gauss", dtype)), args.calls),
            "TrainStep/mnist017": seconds(train_step(ConvNet(dtype)), slow),
            "TrainStep/mnist017_momentum": seconds(train_step(ConvNet(dtype), momentum=0.9), slow),
            "TrainStep/100-100_64": seconds(train_step(WideNet("100-100_6400", dtype)), args.calls),
            "TrainStep/100-100_64_adam": seconds(train_step(WideNet("100-100_6400", dtype), torch.optim.Adam), args.calls),
            "TrainStep/1000_64": seconds(train_step(WideNet("1000_6400", dtype)), args.calls),
            "TrainStep/512-512-512_64": seconds(train_step(WideNet("512-512-512_6400", dtype)), args.calls),
            "Top10/gauss": seconds(top10(net), 5),
            "Dense/gauss_small": seconds(dense(Net("gauss_small", dtype)), 3),
            "BatchGradient/mnist017": seconds(batch_gradient(digits), slow),
            "DGEMM/150x100x100": seconds(lambda: a @ b, args.calls),
        }
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
