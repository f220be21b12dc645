"""A person from the shoulders up: hair, skin, shirt, mood; shaded softly or flat with outlines."""

import functools

import numpy as np

from world import grounds, sprites, svg
from world.draws import Draws
from world.kinds import word
from world.svg import darker, lighter

# Behind the head, and before it; {h} is the hair's colour, {o} the outline.
HAIR = {
    "long": ('<path d="M13 30Q12 6 32 6t19 24l3 24q-8 5-12 2H22q-5 3-12-2z" fill="{h}" {o}/>',
             '<path d="M17 28Q16 10 32 10t15 18q-4-9-13-10-6 8-17 10z" fill="{h}" {o}/>'),
    "short": ('<path d="M15 30Q13 7 32 7t17 23l-2 5H17z" fill="{h}" {o}/>',
              '<path d="M16 29Q15 9 32 9t16 20q-3-4-4-9-12 2-18-1-6 3-10 10z" fill="{h}" {o}/>'),
    "curly": ('<g fill="{h}" {o}><circle cx="17" cy="22" r="9"/><circle cx="47" cy="22" r="9"/><circle cx="14" cy="35" r="8"/>'
              '<circle cx="50" cy="35" r="8"/><circle cx="24" cy="12" r="9"/><circle cx="40" cy="12" r="9"/><circle cx="32" cy="9" r="8"/></g>',
              '<g fill="{h}"><circle cx="20" cy="20" r="6"/><circle cx="28" cy="15" r="6.500"/><circle cx="37" cy="15" r="6.500"/>'
              '<circle cx="44" cy="20" r="6"/></g>'),
    "bun": ('<circle cx="32" cy="7" r="8" fill="{h}" {o}/><path d="M16 30Q14 10 32 10t16 20z" fill="{h}" {o}/>',
            '<path d="M16 29Q15 12 32 12t16 17q-5-8-16-9-11 1-16 9z" fill="{h}" {o}/>'),
    "plaits": ('<path d="M15 30Q13 7 32 7t17 23z" fill="{h}" {o}/><g fill="{h}" {o}><ellipse cx="13" cy="34" rx="5" ry="5.500"/>'
               '<ellipse cx="11" cy="43" rx="4.500" ry="5.500"/><ellipse cx="10" cy="52" rx="4" ry="5.500"/><ellipse cx="51" cy="34" rx="5" ry="5.500"/>'
               '<ellipse cx="53" cy="43" rx="4.500" ry="5.500"/><ellipse cx="54" cy="52" rx="4" ry="5.500"/></g>',
               '<path d="M16 29Q15 9 32 9t16 20q-3-10-16-14-13 4-16 14z" fill="{h}" {o}/>'),
    "spiky": ('<path d="M15 30l-6-9 6-2-4-9 8 2 1-9 8 5 5-8 5 8 8-4 0 9 8-1-4 8 6 3-6 8z" fill="{h}" {o}/>',
              '<path d="M17 28l2-10 4 5 4-7 5 7 5-7 4 7 4-5 2 10-2-5H19z" fill="{h}" {o}/>'),
}
EYES = '<ellipse cx="25" cy="32" rx="{rx}" ry="{ry}" fill="#2a2124"/><ellipse cx="39" cy="32" rx="{rx}" ry="{ry}" fill="#2a2124"/>'
LINE = 'fill="none" stroke="{c}" stroke-width="1.900" stroke-linecap="round"'
# Eyes, brows and mouth; {b} is the brows' colour, {l} the lips'.
MOODS = {
    "happy": (EYES.format(rx=2, ry=2.4), '<path d="M21 26.500q4-2.500 8 0M35 26.500q4-2.500 8 0" {b}/>',
              '<path d="M24 39q8 3 16 0-1 9-8 9t-8-9z" fill="#7c2230"/><path d="M25 40q7 2 14 0l-.6 2.500q-6.400 1.500-12.800 0z" fill="#fff"/>'),
    "sad": (EYES.format(rx=1.9, ry=2), '<path d="M21 28l8-4M35 24l8 4" {b}/>',
            '<path d="M26 46q6-6 12 0" {l}/><path d="M42 36q4 6 0 8-4-2 0-8z" fill="#4fb3f0"/>'
            '<path d="M22 36q4 6 0 8-4-2 0-8z" fill="#4fb3f0"/>'),
    "angry": (EYES.format(rx=2, ry=1.8), '<path d="M20 24l9 5M44 24l-9 5" {b} style="stroke-width:2.6"/>',
              '<path d="M25 46v-4h14v4z" fill="#fff" stroke="#5a2027" stroke-width="1.300"/><path d="M28.500 42v4M32 42v4M35.500 42v4" stroke="#5a2027" stroke-width="1"/>'),
    "surprised": ('<circle cx="25" cy="32" r="3.800" fill="#fff" stroke="#2a2124" stroke-width=".8"/><circle cx="39" cy="32" r="3.800" fill="#fff" stroke="#2a2124" stroke-width=".8"/>'
                  '<circle cx="25" cy="32" r="1.700" fill="#2a2124"/><circle cx="39" cy="32" r="1.700" fill="#2a2124"/>',
                  '<path d="M20.500 24q4-4 8 0M35.500 24q4-4 8 0" {b}/>', '<ellipse cx="32" cy="44" rx="3.800" ry="4.800" fill="#6d1c28"/>'),
}
BEARD = '<path d="M18.500 34q1 17 13.500 18.500Q44.500 51 45.500 34q-2 5-6 3.500-7-2.500-15 0-4 1.500-6-3.500z" fill="{h}" {o}/>'
EARRINGS = '<g fill="#f4c430" stroke="#8a6a10" stroke-width=".5"><circle cx="16" cy="39" r="2"/><circle cx="48" cy="39" r="2"/></g>'
NECK = '<path d="M25 44h14v12H25z" fill="{c}"/>'
SHIRT = '<path d="M4 70q0-15 20-17 8 6 16 0 20 2 20 17v30H4z" fill="{h}" {o}/>'
HEAD = ('<ellipse cx="16.500" cy="33" rx="3" ry="4" fill="{h}" {o}/><ellipse cx="47.500" cy="33" rx="3" ry="4" fill="{h}" {o}/>'
        '<path d="M17 28Q17 12 32 12t15 16q1 23-15 24Q16 51 17 28z" fill="{h}" {o}/>')
HIGH = 84  # px that a portrait is drawn high: the shirt goes on below the panel
CHEEKS = '<g fill="#f0605a" opacity=".3"><ellipse cx="22" cy="39" rx="4" ry="2.500"/><ellipse cx="42" cy="39" rx="4" ry="2.500"/></g>'
LASHES = '<path d="M22.500 30.500l-3-1.800M41.500 30.500l3-1.800" stroke="#2a2124" stroke-width="1.400" stroke-linecap="round"/>'


def choose(view, draws: Draws) -> dict:
    values = view.catalogue.attributes
    while True:
        attributes = {"kind": "portrait", "background": draws.pick(view.catalogue.colour_grounds(view.tier))}
        for name in ("person", "hair", "hair_colour", "skin", "mood", "shading"):
            attributes[name] = draws.pick(list(values[name]))
        attributes["colour"] = draws.pick(list(values["colour"]))
        if word.stands_out(view, attributes["colour"], attributes["background"]):
            return attributes


@functools.lru_cache(maxsize=4096)
def _layer(body: str, shade: tuple[str, float, float] | None) -> np.ndarray:
    """One layer; `shade`: a colour that stands as url(#g) in it, how light it begins, how dark it ends."""
    defs = ""
    if shade:
        colour, light, dark = shade
        defs = ('<radialGradient id="g" cx=".36" cy=".28" r=".75"><stop offset="0" stop-color="'
                + lighter(colour, light) + f'"/><stop offset=".55" stop-color="{colour}"/><stop offset="1" '
                f'stop-color="{darker(colour, dark)}"/></radialGradient>')
    return svg.layer(svg.wrap(body, defs, HIGH), HIGH)


def layers(values: dict, attributes: dict) -> list[np.ndarray]:
    """From the hair behind to the eyes."""
    skin, hair = (values[name][attributes[name]]["rgb"] for name in ("skin", "hair_colour"))
    shirt = values["colour"][attributes["colour"]]["rgb"]
    flat = attributes["shading"] == "flat"
    outline = 'stroke="#2b2226" stroke-width="1.300" stroke-linejoin="round"' if flat else ""

    def painted(body: str, colour: str, light: float, dark: float) -> np.ndarray:
        fill = colour if flat else "url(#g)"
        return _layer(body.format(h=fill, o=outline), None if flat else (colour, light, dark))

    behind, before = HAIR[attributes["hair"]]
    eyes, brows, mouth = MOODS[attributes["mood"]]
    brow = LINE.format(c="#6d7178" if attributes["hair_colour"] == "grey" else darker(hair, 0.35))
    features = [eyes, brows.format(b=brow),
                f'<path d="M31 34q-2 4 2 4" {LINE.format(c=darker(skin, 0.4))} style="stroke-width:1.2"/>',
                mouth.format(l=LINE.format(c="#8a2630"))]
    if attributes["person"] == "woman":
        features += [EARRINGS, LASHES]
    out = [painted(behind, hair, 0.5, 0.55), _layer(NECK.format(c=darker(skin, 0.18)), None),
           painted(SHIRT, shirt, 0.4, 0.5), painted(HEAD, skin, 0.35, 0.32)]
    if not flat:
        out.append(_layer(CHEEKS, None))
    if attributes["person"] == "man":
        out.append(painted(BEARD, hair, 0.5, 0.55))
    return [*out, painted(before, hair, 0.5, 0.55), _layer("".join(features), None)]


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    level = view.level
    out = grounds.varied(view.catalogue, attributes["background"], draws.child("ground"), level)
    drawn = svg.stacked(layers(view.catalogue.attributes, attributes))
    sprites.lay(out, svg.moved(drawn, draws, level), 0, 0)
    return out
