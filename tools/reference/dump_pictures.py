"""Dumps small pictures of every kind and what Pillow makes of them into tests/fixtures/pictures/.

NAME.EXT is read by the program; NAME.expected.png is the same as Pillow converts it (upright, sRGB,
on white, 8 bits).
"""

import io
import pathlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "pictures"


def scene(mode: str, w: int = 24, h: int = 16) -> Image.Image:
    y, x = np.mgrid[0:h, 0:w]
    r = (x * 255 // (w - 1)).astype(np.uint8)
    g = (y * 255 // (h - 1)).astype(np.uint8)
    b = ((x + y) * 255 // (w + h - 2)).astype(np.uint8)
    image = Image.fromarray(np.stack([r, g, b], -1))
    if mode.endswith("A"):
        image = image.convert("RGBA")
        image.putalpha(Image.fromarray(b))
    return image.convert(mode)


def expected(name: str, image: Image.Image) -> None:
    image.save(ROOT / f"{name}.expected.png")


def on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    ground = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(ground, rgba).convert("RGB")


def main() -> None:
    ROOT.mkdir(parents=True, exist_ok=True)
    for mode, name in (("L", "grey"), ("RGB", "rgb"), ("RGBA", "alpha"), ("LA", "grey-alpha")):
        scene(mode).save(ROOT / f"{name}.png")
        expected(name, on_white(scene(mode)))
    palette = scene("RGB").quantize(16)
    palette.save(ROOT / "palette.png")
    expected("palette", palette.convert("RGB"))
    palette.save(ROOT / "palette-transparent.png", transparency=3)
    with Image.open(ROOT / "palette-transparent.png") as again:
        expected("palette-transparent", on_white(again))
    scene("L").point(lambda v: 255 if v > 99 else 0).convert("1").save(ROOT / "bits.png")
    expected("bits", Image.open(ROOT / "bits.png").convert("RGB"))
    deep = Image.fromarray((np.asarray(scene("L")).astype(np.uint16) * 257))
    deep.save(ROOT / "deep.png")
    expected("deep", scene("L").convert("RGB"))
    for k in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = k
        scene("RGB").save(ROOT / f"exif-{k}.png", exif=exif)
        expected(f"exif-{k}", ImageOps.exif_transpose(Image.open(ROOT / f"exif-{k}.png")).convert("RGB"))
    exif = Image.Exif()
    exif[0x0112] = 6
    scene("RGB").save(ROOT / "exif.jpg", exif=exif, quality=95)
    expected("exif", ImageOps.exif_transpose(Image.open(ROOT / "exif.jpg")).convert("RGB"))
    scene("RGB").save(ROOT / "exif.webp", exif=exif, lossless=True)
    expected("exif-webp", ImageOps.exif_transpose(scene("RGB").rotate(0)).transpose(
        Image.Transpose.ROTATE_270))
    scene("RGB").save(ROOT / "progressive.jpg", progressive=True, quality=90)
    expected("progressive", Image.open(ROOT / "progressive.jpg").convert("RGB"))
    scene("L").save(ROOT / "grey.jpg", quality=90)
    expected("grey-jpg", Image.open(ROOT / "grey.jpg").convert("RGB"))
    scene("CMYK").save(ROOT / "cmyk.jpg", quality=95)
    expected("cmyk", Image.open(ROOT / "cmyk.jpg").convert("RGB"))
    scene("RGBA").save(ROOT / "alpha.webp", lossless=True)
    expected("alpha-webp", on_white(Image.open(ROOT / "alpha.webp")))
    # Another colour space: LAB would not fit a PNG, so a profile of sRGB's primaries swapped.
    srgb = ImageCms.createProfile("sRGB")
    wide = ImageCms.ImageCmsProfile(srgb).tobytes()
    scene("RGB").save(ROOT / "icc.png", icc_profile=wide)
    expected("icc", scene("RGB"))
    big = scene("RGB", 61, 47)
    big.save(ROOT / "resize.png")
    for w, h in ((24, 16), (120, 90), (61, 20)):
        big.resize((w, h), Image.Resampling.LANCZOS).save(ROOT / f"resize-{w}x{h}.expected.png")
    Image.open(io.BytesIO((ROOT / "rgb.png").read_bytes())).load()
    frames = [scene("RGB"), scene("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    frames[0].save(ROOT / "animated.webp", save_all=True, append_images=frames[1:], duration=100)


if __name__ == "__main__":
    main()
