"""Small ICC profiles (ICC.1:2001-04, version 2.1), made here so that fixtures need nobody's files."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(value) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(v) for v in value)


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def _text(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(raw)) + raw + b"\0" * (4 + 4 + 2 + 1 + 67)


def _profile(device_class: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"cprt": b"text\0\0\0\0public domain\0", **tags}
    table = struct.pack(">I", len(tags))
    body = b""
    at = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"\0" * 4, 0x02100000, device_class, space, pcs)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24 + struct.pack(">I", 0)
    header += b"".join(_fixed(v) for v in D50)
    return header + b"\0" * (128 - len(header)) + table + body


def matrix_rgb(name: str, primaries, gamma: float) -> bytes:
    """Primaries as xy, already seen under D50."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T
    columns = columns * np.linalg.solve(columns, np.array(D50))
    tags = {b"desc": _text(name), b"wtpt": _xyz(D50)}
    for i, letter in enumerate(b"rgb"):
        tags[bytes([letter]) + b"XYZ"] = _xyz(columns[:, i])
        tags[bytes([letter]) + b"TRC"] = _gamma(gamma)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey(name: str, gamma: float) -> bytes:
    tags = {b"desc": _text(name), b"wtpt": _xyz(D50), b"kTRC": _gamma(gamma)}
    return _profile(b"mntr", b"GRAY", b"XYZ ", tags)


def cmyk(name: str) -> bytes:
    """Ink to Lab by a table of 3^4 points: not how any press prints, but far from the plain formula."""
    points = 3
    lab = []
    for index in range(points**4):
        c, m, y, k = (index // points**p % points / (points - 1) for p in (3, 2, 1, 0))
        lightness = 96 * (1 - 0.42 * c) * (1 - 0.48 * m) * (1 - 0.1 * y) * (1 - 0.88 * k)
        a = (-38 * c + 68 * m - 4 * y) * (1 - k)
        b = (-44 * c - 6 * m + 82 * y) * (1 - k)
        lab += [lightness * 65280 / 100, (a + 128) * 256, (b + 128) * 256]
    table = b"mft2\0\0\0\0" + bytes([4, 3, points, 0])
    table += b"".join(_fixed(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    table += struct.pack(">HH", 2, 2) + struct.pack(">HH", 0, 65535) * 4
    table += b"".join(struct.pack(">H", min(65535, max(0, round(v)))) for v in lab)
    table += struct.pack(">HH", 0, 65535) * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"desc": _text(name), b"wtpt": _xyz(D50), b"A2B0": table})
