"""The world of flux-mini: seeded drawings with captions, from icons and fonts under open licences."""
