"""The classifier of flux-mini's world: what a 64 px panel shows, column by column."""
