"""What a style does to an icon: gloss, a halo of paper, a sticker's border, pixels."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from world.icons import LARGE

SIDE = 256  # px of a finished sprite; the icon's longer side is LARGE of it, or less with a border


def _centred(picture: Image.Image) -> Image.Image:
    out = Image.new("RGBA", (SIDE, SIDE))
    out.paste(picture, ((SIDE - picture.width) // 2, (SIDE - picture.height) // 2))
    return out


def _over(below: Image.Image, above: Image.Image) -> Image.Image:
    return Image.alpha_composite(below, above)


def _coloured(mask: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    out = Image.new("RGBA", mask.size, colour + (0,))
    out.putalpha(mask)
    return out


def _grown(mask: Image.Image, radius: int) -> Image.Image:
    """The mask with a rounded border of `radius` px."""
    blurred = mask.filter(ImageFilter.GaussianBlur(radius))
    return blurred.point(lambda a: max(0, min(255, (a - 20) * 8)))


def _filled(mask: Image.Image) -> Image.Image:
    """The mask with everything that it encloses; small gaps count as closed."""
    grown = _grown(mask, 5)
    outside = grown.point(lambda a: 255 if a > 128 else 0)
    ImageDraw.floodfill(outside, (0, 0), 128)
    inside = Image.fromarray(np.where(np.asarray(outside) == 128, 0, 255).astype(np.uint8))
    return inside.filter(ImageFilter.GaussianBlur(1.2))


def plain(picture: Image.Image) -> Image.Image:
    return _centred(picture)


def glossy(picture: Image.Image) -> Image.Image:
    """Light from above on the left, shade below on the right, a shadow under it."""
    picture = _centred(picture)
    alpha = picture.getchannel("A")
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    shine = 150 * np.clip(1 - np.hypot((x - 0.36) / 0.24, (y - 0.28) / 0.17), 0, 1) ** 0.7
    shade = 110 * np.clip((x + y - 1.02) / 0.6, 0, 1)
    light = ImageChops.multiply(Image.fromarray(shine.astype(np.uint8)), alpha)
    dark = ImageChops.multiply(Image.fromarray(shade.astype(np.uint8)), alpha)
    shadow = ImageChops.offset(alpha, 0, 10).filter(ImageFilter.GaussianBlur(7)).point(lambda a: a * 90 // 255)
    out = _over(_coloured(shadow, (30, 25, 45)), picture)
    out = _over(out, _coloured(dark, (25, 15, 50)))
    return _over(out, _coloured(light, (255, 255, 255)))


def ink(picture: Image.Image) -> Image.Image:
    """Black lines on the white of what they enclose, with a thin white border: legible anywhere."""
    picture = _centred(picture)
    paper = _grown(_filled(picture.getchannel("A")), 4)
    return _over(_coloured(paper, (255, 255, 255)), picture)


def sticker(picture: Image.Image) -> Image.Image:
    """A broad white border and a shadow."""
    small = picture.resize((round(picture.width * 0.9), round(picture.height * 0.9)),
                           Image.Resampling.LANCZOS)
    small = _centred(small)
    border = _grown(_filled(small.getchannel("A")), 9)
    shadow = ImageChops.offset(border, 4, 7).filter(ImageFilter.GaussianBlur(5)).point(lambda a: a * 110 // 255)
    return _over(_over(_coloured(shadow, (40, 40, 50)), _coloured(border, (255, 255, 255))), small)


def pixel(picture: Image.Image) -> Image.Image:
    """Few blocks a side, each of one colour."""
    grid = 20
    centred = _centred(picture).convert("RGBa").resize((grid, grid), Image.Resampling.BOX).convert("RGBA")
    values = np.array(centred)
    values[:, :, 3] = np.where(values[:, :, 3] > 110, 255, 0)
    values[:, :, :3] = np.clip((values[:, :, :3].astype(int) + 16) // 32 * 32, 0, 255)
    return Image.fromarray(values).resize((SIDE, SIDE), Image.Resampling.NEAREST)


FINISHES = {"plain": plain, "glossy": glossy, "ink": ink, "sticker": sticker, "pixel": pixel}
assert LARGE < SIDE
