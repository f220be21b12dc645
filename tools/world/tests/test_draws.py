from world.draws import Draws


def test_the_key_alone_decides():
    one, two = Draws(1, "a", 7), Draws(1, "a", 7)
    assert [one.bits() for _ in range(40)] == [two.bits() for _ in range(40)]
    assert Draws(1, "a", 8).bits() != Draws(1, "a", 7).bits()


def test_numbers_are_pinned():
    """Packs made elsewhere and later must be the same."""
    draws = Draws(1, "sample", 0)
    assert [draws.below(1000) for _ in range(5)] == PINNED


def test_drawing_from_a_child_changes_nothing_in_its_parent():
    plain, other = Draws(3), Draws(3)
    other.child("x").bits()
    assert plain.bits() == other.bits()


def test_values_fill_their_ranges():
    draws = Draws("ranges")
    assert {draws.between(-2, 2) for _ in range(200)} == {-2, -1, 0, 1, 2}
    values = [draws.uniform(2, 3) for _ in range(1000)]
    assert 2 <= min(values) < 2.01 and 2.99 < max(values) < 3
    assert abs(sum(values) / 1000 - 2.5) < 0.05  # five standard errors
    shares = [draws.weighted({"a": 3, "b": 1}) for _ in range(4000)].count("a") / 4000
    assert abs(shares - 0.75) < 0.035  # five standard errors
    assert sorted(draws.some(range(9), 9)) == list(range(9))


PINNED = [238, 253, 288, 309, 599]
