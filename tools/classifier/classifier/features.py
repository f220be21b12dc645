"""features --classifier FILE --packs DIR... --out FILE: mean and covariance of drawings' features."""

import argparse
import pathlib

import numpy as np
import torch
from safetensors.torch import save

from classifier import files
from classifier.drawings import Pack


def main() -> None:
    parser = argparse.ArgumentParser(prog="features", description="Features of real drawings, for the "
                                     "distance that `iclora eval --drawings` measures.")
    parser.add_argument("--classifier", type=pathlib.Path, required=True, metavar="FILE")
    parser.add_argument("--packs", nargs="+", type=pathlib.Path, required=True, metavar="DIR",
                        help="drawn as the captions are that will be measured: same tier, level, kinds")
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = files.read(options.classifier)
    found = []
    with torch.inference_mode():
        for pack in map(Pack, options.packs):
            for start in range(0, len(pack), 250):
                found.append(network(pack.images(np.arange(start, min(len(pack), start + 250))))[0])
    features = torch.cat(found).double()
    covariance = torch.cov(features.T)
    tensors = {"mean": features.mean(0).float(), "covariance": covariance.float().contiguous()}
    files.publish(save(tensors, {"format": "pt", "count": str(len(features)),
                                 "classifier": files.sha256(options.classifier)}), options.out)
    print(f"{options.out}: {len(features)} drawings, {features.shape[1]} features")


if __name__ == "__main__":
    main()
