"""The steps of a derivation from solution two, the layers from the kernel, to what is left."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

from sympy import (
    Add,
    Eq,
    Expr,
    Ge,
    Mul,
    Ne,
    Poly,
    S,
    Symbol,
    discriminant,
    expand,
    factor_list,
    fraction,
)
from sympy import resultant as resultant_of

from convalgebra.symbolic.steps import (
    Facts,
    Line,
    Step,
    are,
    shortened,
)
from convalgebra.words import counted, listed

_MOST_TERMS = 6  # of a value in full; of a longer one, what was found before keeps its name


def steps_backward(facts: Facts) -> tuple[Step, ...]:
    """Solution two as far as the hand gets, the conditions that are left, and their number."""
    return (_backward(facts), *_left(facts), _count(facts))


def _backward(facts: Facts) -> Step:
    parts: list[str | Line] = []
    if facts.fixed:
        scaled = [facts.capital_of(equation.lhs) for equation in facts.fixed]
        last = next(letter for letter in reversed(facts.letters) if letter not in scaled)
        chosen = " = ".join(str(equation.lhs) for equation in facts.fixed)
        one = len(scaled) == 1
        parts.append(
            f"Multiply {listed(scaled, 'or')} by a number and divide {last} by it: the stack is "
            f"the same as before. So {counted(len(scaled), 'number')} {are(scaled)} idle: "
            f"choose {chosen} = 1, assuming that {'it is' if one else 'they are'} not 0."
        )
    parts.append("Solve one equation after the other for something that is still unknown:")
    for number, move in enumerate(facts.elimination.moves):
        sources = [facts.names[source] for source in (move.equation, *move.using)]
        where = None if move.root is None else Eq(move.root, S.Zero, evaluate=False)
        formula = Eq(move.unknown, _by_hand(facts, number), evaluate=False)
        parts.append(Line(formula, f"from {listed(sources)}", "where", where))
    nonzero = _nonzero(facts)
    if nonzero:
        parts += ["All this takes for granted that these are not 0:", Line(nonzero)]
    if any(move.others for move in facts.elimination.moves):
        parts.append("Where an equation was a product, its simplest factor was set to 0.")
    return Step(f"Solution two: {listed(facts.letters) or 'the stack'} from A", tuple(parts))


def _by_hand(facts: Facts, number: int) -> Expr:
    """The value found in a move; when that is long, in terms of what was found before."""
    move = facts.elimination.moves[number]
    above, _ = fraction(move.value)
    if len(Add.make_args(above)) <= _MOST_TERMS or move.using:
        return move.value
    fixed = {equation.lhs: equation.rhs for equation in facts.fixed}
    equation = facts.system.equations[move.equation].xreplace(fixed)
    difference = Poly(equation.lhs - equation.rhs, move.unknown)
    before = {m.unknown: m.value for m in facts.elimination.moves[:number]}
    held = difference.free_symbols_in_domain
    # What was found before may itself wait for this unknown.
    while found := [symbol for symbol in held if symbol in before]:
        held = (held - set(found)).union(*(before.pop(symbol).free_symbols for symbol in found))
    if difference.degree() != 1 or move.unknown in held:
        return move.value
    slope, rest = difference.all_coeffs()
    return move.value if slope.free_symbols & set(facts.unknowns) else -rest / slope


def _nonzero(facts: Facts) -> tuple[Ne, ...]:
    found = [equation.lhs for equation in facts.fixed]
    for divisor in facts.elimination.divisors:
        for factor, _ in factor_list(divisor)[1]:
            if factor not in found and -factor not in found:
                found.append(factor)
    return tuple(Ne(expression, 0, evaluate=False) for expression in found)


def _left(facts: Facts) -> Iterator[Step]:
    if facts.elimination.open:
        yield _stopped(facts)
        return
    elimination = facts.elimination
    cleared = dict(elimination.conditions) | dict.fromkeys(elimination.given_up)
    fixed = {equation.lhs: equation.rhs for equation in facts.fixed}
    roots = listed([str(root) for root in elimination.roots])
    if cleared:
        many = counted(len(cleared), "equation")
        text = f"{many} {'is' if len(cleared) == 1 else 'are'} left, with nothing unknown in "
        text += f"{'it' if len(cleared) == 1 else 'them'}. Put in what was found, and multiply out:"
        parts: list[str | Line] = [text]
        for number, condition in sorted(cleared.items(), key=lambda item: item[0]):
            equation = facts.system.equations[number].xreplace(fixed)
            told = condition is None or equation.rhs == 0
            where = None if told else Eq(condition, S.Zero, evaluate=False)
            parts.append(Line(equation, facts.names[number], "that is", where))
        if elimination.given_up:
            parts.append("Where nothing follows it is too long to be multiplied out.")
        only = "" if any(move.others for move in elimination.moves) else " and only if"
        hold = "this holds" if len(cleared) == 1 else "these hold"
        # An equation that is not multiplied out may hold any root.
        free = [S.One if c is None else c for c in cleared.values()]
        chosen = elimination.given_up or any(c.free_symbols & set(elimination.roots) for c in free)
        choice = f", for one choice of {roots}" if roots and chosen else ""
        given = "With the numbers above not 0, " if _nonzero(facts) else ""
        parts.append(f"{given}A is a {facts.stack} if{only} {hold}{choice}.")
        title = f"{counted(len(cleared), 'condition')} on A left"
    else:
        title = "No condition on A left"
        where = "Over the complex numbers every" if elimination.roots else "Every"
        given = " with the numbers above not 0" if _nonzero(facts) else ""
        parts = [f"{where} A{given} is a {facts.stack}."]
    yield Step(title, (*parts, *_over_the_reals(facts)))


def _over_the_reals(facts: Facts) -> Iterator[str | Line]:
    """What has to hold for the roots, and with them all the rest, to be real."""
    real, needed = [], []
    for root, polynomial in facts.elimination.roots.items():
        degree = Poly(polynomial, root).degree()
        if degree % 2:
            real.append(str(root))
        elif degree == 2:
            found = _without_squares(discriminant(polynomial, root))
            needed.append(Line(Ge(found, 0, evaluate=False), f"{root} real"))
    if not facts.elimination.roots:
        yield "All of it is rational in A: over the real numbers nothing changes."
        return
    yield (
        f"{listed(facts.letters)} {are(facts.letters)} real if and only if "
        f"{listed(map(str, facts.elimination.roots))} {are(facts.elimination.roots)}."
    )
    if real:
        of = "a root" if len(real) == 1 else "roots"
        yield f"{listed(real)} {are(real)} {of} of odd degree: one choice is always real."
    yield from needed


def _without_squares(expression: Expr) -> Expr:
    """The factors of `expression` that decide its sign."""
    number, factors = factor_list(expression)
    odd = [factor for factor, power in factors if power % 2]
    return expand(Mul(S.One if number > 0 else S.NegativeOne, *odd))


def _stopped(facts: Facts) -> Step:
    still = facts.elimination.open
    short = [(number, e) for number, e in still if e is not None]
    short.sort(key=lambda item: (len(item[1].args), item[0]))
    held = _unsolved(facts)
    page = " that fits on a page" if len(short) < len(still) else ""
    parts: list[str | Line] = [
        f"{counted(len(still), 'equation')} {are(still)} left with "
        f"{counted(len(held), 'unknown')}, {shortened(held)}. In none{page} does an unknown "
        "stand to the first power with nothing unknown before it: this is as far as one gets by "
        "hand."
    ]
    unknowns = {number: e.free_symbols & set(held) for number, e in short}
    pairs = combinations(short, 2)
    pair = next(
        ((p, q) for p, q in pairs if len(unknowns[p[0]]) == 2 and unknowns[p[0]] == unknowns[q[0]]),
        None,
    )
    shown = sorted(pair or short[:2])
    if shown:
        parts.append("The shortest:" if len(shown) == 1 else "Two of the shortest:")
    parts += [Line(Eq(e, S.Zero, evaluate=False), facts.names[number]) for number, e in shown]
    if pair is not None:
        gone, kept = sorted(unknowns[pair[0][0]], key=str, reverse=True)
        degree = _degree_without(gone, kept, pair[0][1], pair[1][1])
        if degree:
            parts.append(
                f"Without {gone}, these two leave one equation of degree {degree} in {kept}, "
                "and it is not a product."
            )
    return Step("Here the hand stops", tuple(parts))


def _degree_without(gone: Symbol, kept: Symbol, one: Expr, other: Expr) -> int:
    """The degree in `kept` of two equations without `gone`; 0 if what is left is a product.

    It is that of the resultant, with random numbers for the weights of A: if that is no product,
    the resultant is none.
    """
    drawn = Random(0)
    known = sorted((one.free_symbols | other.free_symbols) - {gone, kept}, key=str)
    point = {symbol: drawn.randint(1, 10**4) for symbol in known}
    left = Poly(resultant_of(one.xreplace(point), other.xreplace(point), gone), kept)
    return left.degree() if left.is_irreducible else 0


def _count(facts: Facts) -> Step:
    left, right = facts.system.sides
    solved, unknown = len(facts.elimination.moves), len(facts.unknowns)
    all_of = "all" if facts.rank == len(facts.names) else f"{facts.rank} of the"
    text = (
        f"At a random point the Jacobian of the right sides has rank {facts.rank}, computed "
        f"exactly: "
        f"{all_of} {counted(len(facts.names), 'equation')} are independent. "
    )
    if facts.elimination.open and facts.rank == unknown:
        done = {move.equation for move in facts.elimination.moves}
        more = [facts.names[number] for number in facts.independent if number not in done]
        text += (
            f"The {solved} that were solved are; with {shortened(more)} they fix "
            f"{listed(facts.letters)} up to finitely many choices. "
        )
    elif unknown > facts.rank:
        free = counted(unknown - facts.rank, "more number")
        if not facts.elimination.open:
            free = listed(map(str, _unsolved(facts)))
        text += f"{free} can be chosen freely. "
    if any(place not in left for place in right):
        return Step("Count", (f"{text}Not every {facts.stack} is a {facts.single}.",))
    missing = len(left) - facts.rank
    conditions = f"{counted(missing, 'condition')} on A (codimension {missing})"
    text += (
        f"{facts.stack} has {counted(facts.rank, 'degree')} of freedom, {facts.single} has "
        f"{len(left)}: {conditions if missing else 'no condition on A'}."
    )
    return Step("Count", (text,))


def _unsolved(facts: Facts) -> list[Symbol]:
    solved = {move.unknown for move in facts.elimination.moves}
    return [symbol for symbol in facts.unknowns if symbol not in solved]
