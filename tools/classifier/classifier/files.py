"""Reading a classifier's file, and publishing files whole."""

import hashlib
import json
import pathlib

from safetensors import safe_open

from classifier.network import Folded


def publish(data: bytes, path: pathlib.Path) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: pathlib.Path) -> Folded:
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["iclora_classifier"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    return Folded(tensors, {column["name"]: len(column["classes"]) for column in about["columns"]}).eval()
