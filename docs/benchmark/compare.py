"""hessoscope beside PyTorch, numpy and scipy, on one thread of this machine: a table of medians over rounds that take turns.

    python3 docs/benchmark/compare.py

Wants what peer.py wants. Ours alone: go test -run - -bench . -cpu 1 ./trainer ./models/... ./callbacks/...
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

PACKAGES = ["./trainer", "./models", "./callbacks/curvature", "./models/symbolic/gemm"]
BENCHMARKS = "^Benchmark(TrainStep|BatchGradient|Gradient|HVPFresh|HVPAgain|Top10|Reduced|Dense|DGEMM)$/^(gauss|gauss_small|mnist017|mnist017_momentum|150x100x100)$"
LINE = re.compile(r"^Benchmark(\S+)\s+\d+\s+([\d.e+]+) ns/op")


def ours():
    """Seconds by benchmark."""
    text = subprocess.run(
        ["go", "test", "-run", "-", "-bench", BENCHMARKS, "-cpu", "1", *PACKAGES], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    found = {}
    for line in text.splitlines():
        if m := LINE.match(line):
            name = m[1].removesuffix("/float64")
            if not name.endswith("/float32"):
                found[name] = float(m[2]) * 1e-9
    return found


def theirs():
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    peer = Path(__file__).with_name("peer.py")
    return json.loads(subprocess.run([sys.executable, peer], check=True, stdout=subprocess.PIPE, env=environment | {"OPENBLAS_NUM_THREADS": "1"}).stdout)


def duration(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = []
    for n in range(parser.parse_args().rounds):
        print(f"round {n + 1}", file=sys.stderr)
        rounds.append((ours(), theirs()))
    print("| benchmark | hessoscope | PyTorch, numpy, scipy | ratio |\n|---|---|---|---|")
    for name in rounds[0][0]:
        own = statistics.median(o[name] for o, _ in rounds)
        if name not in rounds[0][1]:
            print(f"| {name} | {duration(own)} | | |")
            continue
        other = statistics.median(t[name] for _, t in rounds)
        ratio = statistics.median(o[name] / t[name] for o, t in rounds)
        print(f"| {name} | {duration(own)} | {duration(other)} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
