"""What diffusers' learning-rate schedules give, as factors of the rate: tests/fixtures/run/schedules.json."""

import json
import pathlib

import torch
from diffusers.optimization import get_scheduler

NAMES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def factors(schedule: str, steps: int, warmup: int) -> list[float]:
    """Of the steps 0 to `steps`, the last being the one after the end."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = get_scheduler(
        NAMES[schedule], optimizer, num_warmup_steps=warmup, num_training_steps=steps
    )
    values = []
    for _ in range(steps + 1):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return values


def main() -> None:
    cases = [
        {"schedule": schedule, "steps": steps, "warmup": warmup, "factors": factors(schedule, steps, warmup)}
        for schedule in NAMES
        for steps, warmup in [(1, 0), (10, 0), (10, 4), (37, 5), (20, 19)]
    ]
    out = pathlib.Path(__file__).parents[2] / "tests/fixtures/run/schedules.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
