"""Icons as pictures: drawn once, large, cut to what is visible."""

import functools
import io

import numpy as np
import resvg_py
from PIL import Image

from world import sources

LARGE = 208  # px of an icon's longer side; four times what a panel shows


@functools.cache
def _set(name: str) -> dict:
    return sources.open_icons(name)


def draw_svg(svg: str, width: int, height: int) -> Image.Image:
    """RGBA."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=width, height=height, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


@functools.cache
def icon(icon_set: str, name: str, ink: str = "#1c1c20") -> Image.Image:
    """RGBA, transparent around, its longer side LARGE px; `ink` colours icons of one colour."""
    found = _set(icon_set)
    name = found.get("aliases", {}).get(name, {}).get("parent", name)
    entry = found["icons"].get(name)
    if entry is None:
        raise sources.SourceError(f"the icon set '{icon_set}' has no icon '{name}'; give another name "
                                  "under 'icons' in catalogue/subjects.yaml.")
    width = entry.get("width", found.get("width", 16))
    height = entry.get("height", found.get("height", 16))
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
           f'viewBox="0 0 {width} {height}">{entry["body"].replace("currentColor", ink)}</svg>')
    scale = 1.25 * LARGE / max(width, height)
    picture = draw_svg(svg, round(width * scale), round(height * scale))
    visible = Image.fromarray(np.asarray(picture)[:, :, 3]).point(lambda a: 255 if a > 24 else 0)
    picture = picture.crop(visible.getbbox())
    scale = LARGE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)
