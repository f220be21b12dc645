"""Kinds of drawing. Each module has

choose(view, draws) -> attributes     what to draw; "kind" among them
draw(view, attributes, draws) -> uint8 [64, 64, 3]
"""

from world.kinds import carrier, furniture, mark, picture, portrait, slide, word

KINDS = {"picture": picture, "word": word, "mark": mark, "carrier": carrier, "portrait": portrait,
         "slide": slide, "furniture": furniture}
