"""Which colours can be told apart."""

import numpy as np


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of sRGB values in 0..255 (IEC 61966-2-1, D65)."""
    value = rgb / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192],
                             [0.1805, 0.0722, 0.9505]]) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]),
                     200 * (f[..., 1] - f[..., 2])], -1)


def rgb(colour: str) -> tuple[int, int, int]:
    """'#rrggbb' as numbers."""
    return tuple(int(colour[i:i + 2], 16) for i in (1, 3, 5))


def difference(one: str, other: str) -> float:
    """Distance of two colours; 2 is just noticeable on large fields."""
    return float(np.linalg.norm(lab(np.array(rgb(one), float)) - lab(np.array(rgb(other), float))))


def lighter_by(one: str, other: str) -> float:
    """Difference of lightness alone, 0 to 100."""
    return float(abs(lab(np.array(rgb(one), float))[0] - lab(np.array(rgb(other), float))[0]))
