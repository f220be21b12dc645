"""Dumps small pictures of every kind and what Pillow makes of them into tests/fixtures/pictures/.

NAME.EXT is read by the program; NAME.expected.png is the same as Pillow converts it (upright, sRGB,
on white, 8 bits).
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

import icc_profiles

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


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(samples: np.ndarray, colour: int, depth: int, interlaced: bool = False,
            extra: bytes = b"") -> bytes:
    """A PNG of [H, W, C] samples as they are: what Pillow does not write (Adam7, 16-bit colour)."""
    h, w = samples.shape[:2]
    starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
              (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for y, x, down, right in starts:
        part = samples[y::down, x::right]
        for row in part if part.size else []:
            flat = row.reshape(-1)
            if depth == 16:
                packed = flat.astype(">u2").tobytes()
            elif depth == 8:
                packed = flat.astype(np.uint8).tobytes()
            else:
                bits = "".join(format(int(v), f"0{depth}b") for v in flat)
                bits += "0" * (-len(bits) % 8)
                packed = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
            rows += b"\0" + packed
    header = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows, 9))
            + chunk(b"IEND", b""))


def pillow(name: str, file: str) -> None:
    """Expected: the file as Pillow reads it, on white, upright."""
    with Image.open(ROOT / file) as image:
        image = ImageOps.exif_transpose(image)
        transparent = image.mode in ("LA", "RGBA", "PA") or "transparency" in image.info
        expected(name, on_white(image) if transparent else image.convert("RGB"))


def managed(name: str, image: Image.Image, profile: bytes) -> None:
    """Expected: through littlecms, perceptual, as ImageCms does by default."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    expected(name, ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"),
                                             outputMode="RGB"))


def srgb_bytes(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def dump_pngs() -> None:
    rgb, rgba = np.asarray(scene("RGB")), np.asarray(scene("RGBA"))
    grey = np.asarray(scene("L"))[..., None]
    for name, samples, colour in (("rgb", rgb, 2), ("rgba", rgba, 6), ("grey", grey, 0)):
        (ROOT / f"interlaced-{name}.png").write_bytes(raw_png(samples, colour, 8, True))
        pillow(f"interlaced-{name}", f"interlaced-{name}.png")
    # One pixel wide: most of the seven passes are empty.
    (ROOT / "interlaced-thin.png").write_bytes(raw_png(rgb[:, :1], 2, 8, True))
    pillow("interlaced-thin", "interlaced-thin.png")
    # 16 bits: rounded to 8 (PNG specification, 12.5), not cut as Pillow does.
    deep = rgb.astype(np.uint32) * 257 + np.arange(rgb.size).reshape(rgb.shape) * 37 % 257
    deep = np.minimum(deep, 65535).astype(np.uint16)
    rounded = np.rint(deep / 257).astype(np.uint8)
    for interlaced, name in ((False, "deep-rgb"), (True, "interlaced-deep")):
        (ROOT / f"{name}.png").write_bytes(raw_png(deep, 2, 16, interlaced))
        expected(name, Image.fromarray(rounded))
    alpha = (np.asarray(scene("L")).astype(np.uint32) * 257).astype(np.uint16)[..., None]
    (ROOT / "deep-rgba.png").write_bytes(raw_png(np.concatenate([deep, alpha], -1), 6, 16))
    part = alpha / 65535
    expected("deep-rgba", Image.fromarray(
        np.rint((deep / 65535 * part + 1 - part) * 255).astype(np.uint8)))
    # One transparent grey or colour (tRNS).
    levels = (grey // 64).astype(np.uint8)
    (ROOT / "grey-key.png").write_bytes(
        raw_png(levels, 0, 2, extra=chunk(b"tRNS", struct.pack(">H", 2))))
    expected("grey-key", Image.fromarray(np.where(levels == 2, 255, levels * 85)[..., 0].astype(np.uint8)).convert("RGB"))
    few = (rgb // 128 * 255).astype(np.uint8)
    (ROOT / "rgb-key.png").write_bytes(
        raw_png(few, 2, 8, extra=chunk(b"tRNS", struct.pack(">HHH", 255, 0, 0))))
    pillow("rgb-key", "rgb-key.png")
    for depth in (2, 4):
        step = 255 // (2**depth - 1)
        (ROOT / f"bits-{depth}.png").write_bytes(raw_png(grey // (256 >> depth), 0, depth))
        expected(f"bits-{depth}", Image.fromarray((grey // (256 >> depth) * step)[..., 0].astype(np.uint8)).convert("RGB"))
    # gAMA and cHRM: linear light; sRGB stated beside them wins.
    linear = chunk(b"gAMA", struct.pack(">I", 100000))
    (ROOT / "gamma.png").write_bytes(raw_png(rgb, 2, 8, extra=linear))
    expected("gamma", Image.fromarray(srgb_bytes(rgb / 255)))
    (ROOT / "gamma-grey.png").write_bytes(raw_png(grey, 0, 8, extra=linear))
    expected("gamma-grey", Image.fromarray(srgb_bytes(grey[..., 0] / 255)).convert("RGB"))
    (ROOT / "gamma-srgb.png").write_bytes(raw_png(rgb, 2, 8, extra=chunk(b"sRGB", b"\0") + linear))
    expected("gamma-srgb", scene("RGB"))
    srgb_xy = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    swapped = (31270, 32900, 30000, 60000, 64000, 33000, 15000, 6000)
    usual = chunk(b"gAMA", struct.pack(">I", 45455))
    (ROOT / "chrm-srgb.png").write_bytes(
        raw_png(rgb, 2, 8, extra=usual + chunk(b"cHRM", struct.pack(">8I", *srgb_xy))))
    expected("chrm-srgb", scene("RGB"))
    # Red and green primaries exchanged, linear light: exactly the exchanged channels.
    (ROOT / "chrm-swapped.png").write_bytes(
        raw_png(rgb, 2, 8, extra=linear + chunk(b"cHRM", struct.pack(">8I", *swapped))))
    expected("chrm-swapped", Image.fromarray(srgb_bytes(rgb[..., [1, 0, 2]] / 255)))
    # A damaged profile, and one for other channels, are as none.
    damaged = chunk(b"iCCP", b"a\0\0" + zlib.compress(b"no profile at all" * 20))
    (ROOT / "icc-damaged.png").write_bytes(raw_png(rgb, 2, 8, extra=damaged))
    expected("icc-damaged", scene("RGB"))
    scene("RGB").save(ROOT / "icc-other.png", icc_profile=icc_profiles.grey("grey", 1.0))
    expected("icc-other", scene("RGB"))
    texts = PngInfo()
    texts.add_text("parameters", "a fox\nSteps: 20, Seed: 1")
    texts.add_text("Latin", "na\u00efve \u00fc")
    texts.add_text("packed", "x" * 2000, zip=True)
    texts.add_itxt("iclora", '{"prompt": "\u72d0 \U0001f98a"}')
    texts.add_itxt("packed too", "\u72d0" * 500, "zh", "\u72d0", zip=True)
    texts.add_text("parameters", "the second of this name")
    scene("L").save(ROOT / "texts.png", pnginfo=texts)


def dump_profiles() -> None:
    wide = icc_profiles.matrix_rgb("wide", ((0.6484, 0.3309), (0.2302, 0.7016), (0.1559, 0.0661)), 2.2)
    odd = icc_profiles.matrix_rgb("odd", ((0.5, 0.4), (0.35, 0.5), (0.2, 0.15)), 1.5)
    grey = icc_profiles.grey("grey gamma 1.4", 1.4)
    ink = icc_profiles.cmyk("ink")
    for name, profile in (("wide", wide), ("odd", odd)):
        scene("RGB").save(ROOT / f"icc-{name}.png", icc_profile=profile)
        managed(f"icc-{name}", scene("RGB"), profile)
    scene("RGB").save(ROOT / "icc-odd.webp", icc_profile=odd, lossless=True)
    scene("RGB").save(ROOT / "icc-odd.jpg", icc_profile=odd, quality=95)
    with Image.open(ROOT / "icc-odd.jpg") as image:
        managed("icc-odd-jpg", image, odd)
    scene("L").save(ROOT / "icc-grey.png", icc_profile=grey)
    managed("icc-grey", scene("L"), grey)
    scene("L").save(ROOT / "icc-grey.jpg", icc_profile=grey, quality=95)
    with Image.open(ROOT / "icc-grey.jpg") as image:
        managed("icc-grey-jpg", image, grey)
    scene("RGBA").save(ROOT / "icc-alpha.png", icc_profile=odd)
    flat = ImageCms.profileToProfile(scene("RGB"), ImageCms.ImageCmsProfile(io.BytesIO(odd)),
                                     ImageCms.createProfile("sRGB"), outputMode="RGB")
    flat.putalpha(scene("RGBA").getchannel("A"))
    expected("icc-alpha", on_white(flat))
    rgb = np.asarray(scene("RGB")).astype(np.uint16) * 257
    (ROOT / "icc-deep.png").write_bytes(
        raw_png(rgb, 2, 16, extra=chunk(b"iCCP", b"odd\0\0" + zlib.compress(odd, 9))))
    managed("icc-deep", scene("RGB"), odd)
    inks = np.stack([np.asarray(scene("L")), *np.moveaxis(np.asarray(scene("RGB")), -1, 0)], -1)
    image = Image.fromarray(np.ascontiguousarray(inks), "CMYK")
    image.save(ROOT / "icc-cmyk.jpg", icc_profile=ink, quality=95)
    with Image.open(ROOT / "icc-cmyk.jpg") as again:
        managed("icc-cmyk", again, ink)


def dump_jpegs_and_webps() -> None:
    odd = scene("RGB", 37, 23)
    odd.save(ROOT / "subsampled.jpg", quality=85, subsampling="4:2:0")
    odd.save(ROOT / "subsampled-progressive.jpg", quality=85, subsampling="4:2:0", progressive=True)
    odd.save(ROOT / "restarts.jpg", quality=85, subsampling="4:2:2", restart_marker_blocks=1)
    odd.save(ROOT / "keep-rgb.jpg", quality=90, keep_rgb=True)
    scene("CMYK").save(ROOT / "cmyk.jpg", quality=95)
    adobe = (ROOT / "cmyk.jpg").read_bytes()
    at = adobe.index(b"\xff\xee")
    (ROOT / "cmyk-plain.jpg").write_bytes(adobe[:at] + adobe[at + 2 + int.from_bytes(adobe[at + 2:at + 4], "big"):])
    transform = at + 4 + 11
    assert adobe[transform] == 0
    (ROOT / "ycck.jpg").write_bytes(adobe[:transform] + b"\2" + adobe[transform + 1:])
    for name in ("subsampled", "subsampled-progressive", "restarts", "keep-rgb", "cmyk-plain", "ycck"):
        pillow(name, f"{name}.jpg")
    for k in range(1, 9):
        exif = Image.Exif()
        exif.endian = ">" if k % 2 else "<"
        exif[0x0112] = k
        scene("RGB").save(ROOT / f"exif-{k}.webp", exif=exif, lossless=True)
        pillow(f"exif-webp-{k}", f"exif-{k}.webp")
        scene("L").save(ROOT / f"exif-{k}.jpg", exif=exif, quality=90)
        pillow(f"exif-jpg-{k}", f"exif-{k}.jpg")
    odd.save(ROOT / "lossy.webp", quality=60)
    scene("RGBA", 37, 23).save(ROOT / "lossy-alpha.webp", quality=60)
    for name in ("lossy", "lossy-alpha"):
        pillow(name, f"{name}.webp")


def dump_fits() -> None:
    with Image.open(ROOT / "resize.png") as big:
        for name, w, h, centre in (("a", 40, 40, (0.5, 0.5)), ("b", 16, 48, (0.2, 0.9)), ("c", 80, 30, (1.0, 0.0))):
            ImageOps.fit(big, (w, h), Image.Resampling.LANCZOS, centering=centre).save(ROOT / f"cover-{name}.expected.png")
            ImageOps.pad(big, (w, h), Image.Resampling.LANCZOS, "white", centre).save(ROOT / f"contain-{name}.expected.png")


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
    big = scene("RGB", 61, 47)
    big.save(ROOT / "resize.png")
    for w, h in ((24, 16), (120, 90), (61, 20)):
        big.resize((w, h), Image.Resampling.LANCZOS).save(ROOT / f"resize-{w}x{h}.expected.png")
    Image.open(io.BytesIO((ROOT / "rgb.png").read_bytes())).load()
    frames = [scene("RGB"), scene("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    frames[0].save(ROOT / "animated.webp", save_all=True, append_images=frames[1:], duration=100)
    dump_pngs()
    dump_profiles()
    dump_jpegs_and_webps()
    dump_fits()


if __name__ == "__main__":
    main()
