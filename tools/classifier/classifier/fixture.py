"""fixture OUT: a small classifier with random weights and what it computes, for tests/eval."""

import json
import pathlib
import sys

import torch
from safetensors.torch import save

from classifier import files
from classifier.network import Folded, Network, folded

CLASSES = {"kind": ["picture", "word"], "subject": ["cat", "dog", "bee"], "style": ["flat", "ink"],
           "background": ["beach", "night", "room"], "overlay": ["none", "sand"]}


def main() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    out = pathlib.Path(sys.argv[1])
    columns = {name: len(values) for name, values in CLASSES.items()}
    network = Network(columns, width=4, features=12).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
    tensors = {name: tensor.half() for name, tensor in folded(network).items()}
    about = {"version": 1, "columns": [{"name": name, "classes": values} for name, values in CLASSES.items()]}
    files.publish(save(tensors, {"format": "pt", "iclora_classifier": json.dumps(about)}),
                  out / "classifier.safetensors")
    pictures = torch.randint(0, 256, (3, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        features, logits = Folded(tensors, columns)(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1)
        # The folded weights must be the network's own, but for half precision.
        own = network(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1)[1]
    assert torch.allclose(own, logits, rtol=0, atol=0.02), (own - logits).abs().max()
    generated = torch.randn(40, 12).double() * torch.rand(12) + 1
    drawings = torch.randn(60, 12).double()
    c1, c2 = torch.cov(generated.T), torch.cov(drawings.T)
    cross = torch.linalg.eigvals(c1 @ c2).real.clamp_min(0).sqrt().sum()
    apart = generated.mean(0) - drawings.mean(0)
    frechet = apart.square().sum() + torch.trace(c1) + torch.trace(c2) - 2 * cross
    files.publish(save({"mean": drawings.mean(0).float(), "covariance": c2.float().contiguous()},
                       {"format": "pt", "count": "60",
                        "classifier": files.sha256(out / "classifier.safetensors")}),
                  out / "drawings.safetensors")
    files.publish(save({"pictures": pictures, "features": features.contiguous(), "logits": logits.contiguous(),
                        "generated": generated.float(), "frechet": frechet.float()[None],
                        "mean_distance": apart.norm().float()[None]}), out / "expected.safetensors")


if __name__ == "__main__":
    main()
