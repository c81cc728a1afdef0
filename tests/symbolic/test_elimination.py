"""The hand elimination on small systems whose solutions are known."""

from __future__ import annotations

from sympy import Symbol, prem, symbols

from convalgebra.symbolic.elimination import eliminate, root_names

a, b, c, x, y, z, t, s = symbols("a b c x y z t s")


def test_linear_with_numbers_first() -> None:
    found = eliminate([x + a * y - b, x - y], [x, y])
    assert found.solution == {y: b / (a + 1), x: b / (a + 1)}
    assert found.divisors == (a + 1,)
    assert not found.conditions
    assert not found.open


def test_a_root_is_named_and_carried_on() -> None:
    """x + y = a, x y = b: both roots of t^2 - a t + b."""
    found = eliminate([x + y - a, x * y - b], [x, y])
    assert found.roots == {t: t**2 - a * t + b}
    assert found.solution == {y: a - t, x: t}


def test_conditions_are_cleared_and_reduced() -> None:
    """x^2 = a and x^3 = b: b - a t = 0 for t^2 = a, as t^3 = a t."""
    found = eliminate([x**2 - a, x**3 - b], [x])
    assert found.roots == {t: t**2 - a}
    ((number, condition),) = found.conditions
    assert number == 1
    assert condition in (a * t - b, b - a * t)


def test_an_equation_that_follows_is_no_condition() -> None:
    found = eliminate([x**2 - a, x**4 - a**2], [x])
    assert (found.conditions, found.holding) == ((), (1,))


def test_products_take_their_simplest_factor_and_say_so() -> None:
    found = eliminate([x * (x**2 - a)], [x])
    assert found.solution == {x: 0}
    (move,) = found.moves
    assert move.others == (x**2 - a,)


def test_a_multiple_of_one_equation_is_taken_from_another() -> None:
    """x + y + z, x y + y z + z x and x y z given: the roots of a cubic, then of a quadratic."""
    found = eliminate([x + y + z - a, x * y + y * z + z * x - b, x * y * z - c], [x, y, z])
    first, second = found.roots.items()
    assert first == (t, t**3 - a * t**2 + b * t - c)
    assert second == (s, s**2 + s * t + t**2 - a * s - a * t + b)
    assert [move.using for move in found.moves] == [(), (1,), ()]
    # All three equations hold, modulo the two roots.
    for equation in (x * y + y * z + z * x - b, x * y * z - c):
        value = equation.xreplace(found.solution).expand()
        assert prem(prem(value, second[1], s), first[1], t) == 0


def test_it_stops_where_nothing_is_linear() -> None:
    found = eliminate([x**2 + y**2 - a, x**2 * y + x - b], [x, y])
    assert not found.moves
    assert [number for number, _ in found.open] == [0, 1]


def test_an_unknown_that_is_nowhere_stays_free() -> None:
    found = eliminate([x - a], [x, y])
    assert found.solution == {x: a}


def test_nothing_to_solve() -> None:
    found = eliminate([a - b, a - a], [])
    assert (found.conditions, found.holding, found.moves) == (((0, a - b),), (1,), ())


def test_names_of_roots() -> None:
    assert root_names(5) == [Symbol(name) for name in ("t", "s", "t2", "s2", "t3")]
