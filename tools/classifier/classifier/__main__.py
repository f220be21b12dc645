"""train --packs DIR[:WEIGHT]... --test DIR... --state DIR --out FILE: see README.md."""

import argparse
import copy
import json
import math
import pathlib
import time

import torch
from safetensors.torch import save

from classifier import degrade, files, measure
from classifier.drawings import Mixture, Pack
from classifier.network import Folded, Network, folded


def _loss(network: Network, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Minus log-likelihood of all columns that a drawing has, a drawing."""
    total = logits.new_zeros(())
    for i, scores in enumerate(network.split(logits.float()).values()):
        total = total + torch.nn.functional.cross_entropy(
            scores, labels[:, i], ignore_index=-1, reduction="sum", label_smoothing=0.02)
    return total / len(labels)


class Training:
    def __init__(self, mixture: Mixture, steps: int, rate: float, batch: int, state: pathlib.Path):
        torch.manual_seed(1)
        self.mixture, self.steps, self.rate, self.batch, self.path = mixture, steps, rate, batch, state / "state.pt"
        self.classes = mixture.packs[0].classes
        self.network = Network({name: len(values) for name, values in self.classes.items()})
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.02},
                                            {"params": others, "weight_decay": 0.0}], rate, betas=(0.9, 0.99))
        self.step, self.seen, self.seconds = 0, 0, 0.0
        if self.path.exists():
            kept = torch.load(self.path, weights_only=True)
            self.network.load_state_dict(kept["network"])
            self.average.load_state_dict(kept["average"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.step, self.seen, self.seconds = kept["step"], kept["seen"], kept["seconds"]
            print(f"goes on after step {self.step}", flush=True)

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        torch.save({"network": self.network.state_dict(), "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "step": self.step,
                    "seen": self.seen, "seconds": self.seconds}, part)
        part.replace(self.path)

    def one(self) -> float:
        done = self.step / self.steps
        rate = self.rate * min(1.0, (self.step + 1) / 100) * (0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        images, labels = self.mixture.batch(self.step, self.batch)
        images = degrade.degraded(images, self.step)
        with torch.autocast("cpu", torch.bfloat16):
            _, logits = self.network(images)
        loss = _loss(self.network, logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        self.seen += len(images)
        keep = min(0.998, (1 + self.step) / (20 + self.step))
        with torch.no_grad():
            theirs = self.network.state_dict()
            for name, mine in self.average.state_dict().items():
                if mine.is_floating_point():
                    mine.lerp_(theirs[name], 1 - keep)
        return loss.item()

    def run(self) -> None:
        self.network.train()
        started, saved, sum_of_losses, many = time.process_time() - self.seconds, time.monotonic(), 0.0, 0
        while self.step < self.steps:
            sum_of_losses, many = sum_of_losses + self.one(), many + 1
            self.seconds = time.process_time() - started
            if self.step % 50 == 0:
                print(f"step {self.step} of {self.steps}, {self.seconds:.0f} s, loss {sum_of_losses / many:.3f}",
                      flush=True)
                sum_of_losses, many = 0.0, 0
            if time.monotonic() - saved > 60:
                self.save()
                saved = time.monotonic()
        self.save()


def write(training: Training, out: pathlib.Path) -> Folded:
    """The file, half precision; what it computes."""
    tensors = {name: tensor.half() for name, tensor in folded(training.average).items()}
    about = {"version": 1, "columns": [{"name": name, "classes": values}
                                       for name, values in training.classes.items()]}
    files.publish(save(tensors, {"format": "pt", "iclora_classifier": json.dumps(about, ensure_ascii=False)}), out)
    return Folded(tensors, training.network.columns).eval()


def _pack(text: str) -> tuple[Pack, float]:
    folder, _, weight = text.partition(":")
    return Pack(pathlib.Path(folder)), float(weight or 1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="train", description="Trains the classifier of flux-mini's world.")
    parser.add_argument("--packs", nargs="+", required=True, metavar="DIR[:WEIGHT]")
    parser.add_argument("--test", nargs="+", required=True, metavar="DIR", type=pathlib.Path)
    parser.add_argument("--state", required=True, metavar="DIR", type=pathlib.Path,
                        help="to go on from after a stop")
    parser.add_argument("--out", required=True, metavar="FILE", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--batch", type=int, default=66, help="drawings a step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    mixture = Mixture([_pack(text) for text in options.packs], seed=1)
    training = Training(mixture, options.steps, options.rate, options.batch, options.state)
    training.run()
    network = write(training, options.out)
    report = {"steps": training.step, "drawings": training.seen,
              "seconds": round(training.seconds), "threads": options.threads,
              "packs": {pack.name: len(pack) for pack in mixture.packs},
              "sha256": files.sha256(options.out), "accuracy": {}}
    for folder in options.test:
        pack = Pack(folder)
        for condition in measure.CONDITIONS:
            found = measure.accuracy(network, pack, condition)
            report["accuracy"][f"{pack.name}, {condition}"] = found
            shown = ", ".join(f"{column} {100 * entry['right'] / entry['of']:.2f}" for column, entry in found.items())
            print(f"{pack.name}, {condition}: {shown}", flush=True)
    files.publish(json.dumps(report, indent=1).encode() + b"\n", options.out.with_name("accuracy.json"))


if __name__ == "__main__":
    main()
