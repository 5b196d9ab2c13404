#!/usr/bin/env bash
# Draws the pictures of README.md, docs/gallery.md and docs/reproduce.md again: trains the
# runs that they show in a temporary folder, in about five minutes on two cores.
set -euo pipefail
docs=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$docs/.." && go build -o "$work/hessoscope" ./cmd/hessoscope)
cd "$work"

train() { ./hessoscope train "$@" --no-progress >/dev/null; }
plot() { ./hessoscope plot "$@"; }

# The two networks of the README, as the sweep regimes trains them with seed 0: one starts
# fresh, the other from a network that has learned random labels.
train gauss --name memorized --set data.seed=1 --set data.test_samples=5000 --set data.random_labels=true \
	--set 'training.optimizer={name: adam}' --set training.rate.base=0.001 --set spectrum.off=true --set margin.off=true
regime=(--set data.seed=1 --set data.test_samples=5000 --set training.epochs=5000 --set 'training.evaluate={every: 5}'
	--set 'stop.when={monitor: train/loss, at_most: 0.001}' --set 'spectrum.schedule={log: 20}' --set plane.side=64
	--set 'margin.schedule={at: [5000]}')
train gauss --name normal "${regime[@]}"
train gauss --name adversarial "${regime[@]}" --set model.weights=runs/memorized/checkpoints/last.npz
for run in normal adversarial; do
	./hessoscope analyze "runs/$run" --method reduced --margin --picture "$docs/$run.png" >/dev/null
done

# The gallery.
mkdir -p "$docs/gallery"
train half_moon --name moons --set 'spectrum.schedule={log: 24}' --set plane.side=64 --set 'margin.schedule={log: 20}'
plot runs/moons --out "$docs/gallery" --what loss,eigenvalues,heatmap,outliers,directions,margin,stability,cost,alignment,animation
plot runs/normal runs/adversarial --out comparison --what eigenvalues,margin,boundary
for figure in eigenvalues margin boundary; do
	cp "comparison/$figure.png" "$docs/gallery/regimes-$figure.png"
done
train iris --name iris
plot runs/iris --out "$docs/gallery" --what density,pairs,complexity

# The paper's figures.
mkdir -p "$docs/reproduce"
./hessoscope reproduce all --no-progress
cp reproduce/*.png "$docs/reproduce"
