"""Kinds of drawing. Each module has

choose(view, draws) -> attributes     what to draw; "kind" among them
draw(view, attributes, draws) -> uint8 [64, 64, 3]
"""

from world.kinds import picture

KINDS = {"picture": picture}
