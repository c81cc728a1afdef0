"""What a layer may take of a kernel: over each field, and on each lattice.

Over C the parts are the irreducible factors. Over R a factor that is not real goes with its
complex conjugate, over Q with all its conjugates. A layer with dilation d takes polynomials in
w = z^d. Such a factor of K = sum z^r K_r(w), r running through the residues mod d, divides every
K_r, so these factors are those of the greatest common divisor of the K_r. An irreducible polynomial
P(w) becomes a product of different irreducible factors P(z^d); they go together.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.kernels.factoring.absolute import absolute_factors
from convalgebra.kernels.factoring.conjugates import Atom, Splitting
from convalgebra.kernels.factoring.embeddings import PRECISIONS, precision
from convalgebra.kernels.factoring.polynomials import (
    Terms,
    active,
    as_flint,
    core,
    degree,
    from_flint,
    primitive,
)
from convalgebra.kernels.factoring.rational import Irreducible, Undecided, rational_factors
from convalgebra.kernels.factoring.splitting import splitting as split

FieldName: TypeAlias = Literal["rational", "real", "complex"]
FIELDS: tuple[FieldName, ...] = ("rational", "real", "complex")


class Part(NamedTuple):
    """Atoms that go together, by number, and the degree of their product."""

    atoms: tuple[int, ...]
    degree: Exponent


class Orbits(NamedTuple):
    """The parts over C on a lattice: the atoms of each, its mirror image, and its factor over Q."""

    atoms: tuple[tuple[int, ...], ...]
    mirrors: tuple[int, ...]
    rational: tuple[int, ...]


def trivial_orbits(atoms: tuple[Atom, ...]) -> Orbits:
    """The parts over C on the lattice of all places: every atom by itself."""
    return Orbits(
        tuple((number,) for number in range(len(atoms))),
        tuple(atom.mirror for atom in atoms),
        tuple(atom.of for atom in atoms),
    )


def parts(orbits: Orbits, atoms: tuple[Atom, ...], field: FieldName) -> tuple[Part, ...]:
    """The parts over a field, the largest first."""
    groups: dict[Any, list[int]] = {}
    for number, mirror in enumerate(orbits.mirrors):
        together: Any = number
        if field == "rational":
            together = orbits.rational[number]
        elif field == "real":
            together = min(number, mirror)
        groups.setdefault(together, []).append(number)
    found = []
    for group in groups.values():
        inside = tuple(sorted(atom for number in group for atom in orbits.atoms[number]))
        size = tuple(map(sum, zip(*(atoms[atom].degree for atom in inside), strict=True)))
        found.append(Part(inside, size))
    found.sort(key=lambda part: (-sum(part.degree), part.degree, part.atoms))
    return tuple(found)


def lattice_orbits(
    terms: Terms,
    lattice: Exponent,
    splittings: tuple[Splitting, ...],
    atoms: tuple[Atom, ...],
    *,
    split_up: bool = True,
) -> Orbits:
    """The parts on a lattice, of a polynomial without monomial factors.

    Without `split_up` the factors on the lattice that are irreducible over Q stay whole, as the
    atoms then must.
    """
    found: list[tuple[int, ...]] = []
    mirrors: list[int] = []
    rational: list[int] = []
    common = _common(terms, lattice)
    _, factors = rational_factors(common) if active(common) else (1, ())
    by_terms = {_key(s.irreducible.terms): n for n, s in enumerate(splittings)}
    for which, factor in enumerate(factors):
        spread = {
            tuple(p * d for p, d in zip(place, lattice, strict=True)): value
            for place, value in factor.terms.items()
        }
        _, pieces = rational_factors(spread)
        members = [by_terms[_key(piece.terms)] for piece in pieces]
        own = [n for n, atom in enumerate(atoms) if atom.of in members]
        first = len(found)
        fine = _split(factor) if split_up else None
        if fine is None:
            found.append(tuple(own))
            mirrors.append(first)
        else:
            groups: list[list[int]] = [[] for _ in range(fine.size)]
            for number in own:
                atom = atoms[number]
                groups[_home(splittings[atom.of], atom, fine, lattice)].append(number)
            found += [tuple(group) for group in groups]
            mirrors += [first + fine.mirrored(root) for root in range(fine.size)]
        rational += [which] * (len(found) - first)
    return Orbits(tuple(found), tuple(mirrors), tuple(rational))


def _split(factor: Irreducible) -> Splitting | None:
    """The factors over C of an irreducible polynomial; None if it is its only one."""
    count = absolute_factors(factor.terms)
    if count.factors is None:
        raise Undecided(count.reason)
    if count.factors == 1:
        return None
    return Splitting(Irreducible(factor.terms, 1), count, split(factor.terms, count.factors))


def _key(terms: Terms) -> tuple[Any, ...]:
    return tuple(sorted(terms.items()))


def _common(terms: Terms, lattice: Exponent) -> Terms:
    """The greatest common divisor of the interleaved parts, as a polynomial in w = z^lattice."""
    _, whole = primitive(terms)
    residues: dict[Exponent, Terms] = {}
    for place, value in whole.items():
        residue = tuple(p % d for p, d in zip(place, lattice, strict=True))
        step = tuple(p // d for p, d in zip(place, lattice, strict=True))
        residues.setdefault(residue, {})[step] = value
    divisor = as_flint({}, len(lattice))
    for part in residues.values():
        divisor = divisor.gcd(as_flint(core(part)[1], len(lattice)))
    return core(from_flint(divisor))[1]


def _home(of: Splitting, atom: Atom, fine: Splitting, lattice: Exponent) -> int:
    """Which of the factors Q(b; z^d) over C the atom divides: all others are excluded.

    At a point where the atom vanishes only the one that it divides must vanish; where another one
    is seen not to vanish it is excluded.
    """
    left = set(range(fine.size))
    axis = next(n for n, size in enumerate(atom.degree) if size)
    for attempt, bits in enumerate(PRECISIONS):
        with precision(bits):
            g = of.values(atom.root, bits)
            points = [3 + attempt + 2 * n for n in range(len(lattice))]
            for point in _zeros(g, axis, points):
                for k in list(left):
                    value = _evaluated(fine.values(k, bits), point, lattice)
                    if not value.contains(0):
                        left.discard(k)
        if len(left) == 1:
            return left.pop()
    raise Undecided("factors over C lie too close together to be told apart")


def _zeros(g: dict[Exponent, Any], axis: int, points: list[int]) -> list[list[Any]]:
    from flint import acb, acb_poly

    row = [acb(0)] * (degree(g)[axis] + 1)
    for place, value in g.items():
        for n, power in enumerate(place):
            if n != axis:
                value = value * acb(points[n]) ** power
        row[place[axis]] += value
    try:
        roots = acb_poly(row).roots()
    except ValueError:  # not isolated at this precision
        return []
    return [[root if n == axis else acb(p) for n, p in enumerate(points)] for root in roots]


def _evaluated(terms: dict[Exponent, Any], point: list[Any], lattice: Exponent) -> Any:
    from flint import acb

    total = acb(0)
    for place, value in terms.items():
        for there, power, step in zip(point, place, lattice, strict=True):
            value = value * there ** (power * step)
        total += value
    return total
