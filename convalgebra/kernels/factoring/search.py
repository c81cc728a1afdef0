"""The search for a grouping over each field, and the list of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from convalgebra import progress
from convalgebra.algebra.one_channel.chains import Exponent
from convalgebra.algebra.one_channel.work import Work
from convalgebra.budget import Exhausted
from convalgebra.kernels.factoring.absolute import Count
from convalgebra.kernels.factoring.conjugates import Atom, Splitting, atoms_of
from convalgebra.kernels.factoring.embeddings import roots
from convalgebra.kernels.factoring.groupings import Group, Grouping, Layer, exists, groupings
from convalgebra.kernels.factoring.parts import (
    FieldName,
    Orbits,
    Part,
    lattice_orbits,
    parts,
    trivial_orbits,
)
from convalgebra.kernels.factoring.polynomials import Terms, active
from convalgebra.kernels.factoring.rational import Irreducible, Undecided
from convalgebra.kernels.factoring.reasons import OVER, no_grouping
from convalgebra.kernels.factoring.splitting import splitting

_STEPS = 100_000  # of one search, about a second
_MOST_WAYS = 10_000  # counted
_KEPT = 20  # of those counted
_MOST_ATOMS = 300  # shared out one by one
_MOST_LAYERS = 200
_MOST_ROOTS = 150  # of one irreducible factor, told apart
_MOST_COUNTED = 400  # roots of one irreducible factor of which the real ones are counted
_MOST_CONJUGATES = 8  # of a factor on several axes
_MOST_UNKNOWNS = 120  # of the linear system for a conjugate factor


class Level(NamedTuple):
    """Factors that are shared out as they are: those over Q, or those over C."""

    splittings: tuple[Splitting, ...]
    atoms: tuple[Atom, ...]
    orbits: dict[Exponent, Orbits]  # on each lattice


class Found(NamedTuple):
    """How many groupings there are, whether all were counted, and the first of those that are not
    groupings over a smaller field.
    """

    number: int
    complete: bool
    new: tuple[Grouping, ...]


class Search:
    """Layers, and a polynomial of which the irreducible factors over Q are known."""

    def __init__(
        self,
        layers: list[Layer],
        terms: Terms,
        factors: tuple[Irreducible, ...],
        counts: tuple[Count, ...],
    ) -> None:
        self.terms, self.factors, self.counts = terms, factors, counts
        self.layers, self.places, self.all = *_needed(layers, factors), len(layers)
        ones = (1,) * len(next(iter(terms)))
        self.lattices = {layer.lattice for layer in self.layers} or {ones}
        self.ones = ones
        self.rational = self._level(tuple(map(_whole, factors, counts)), split_up=False)
        self.undecided = ""
        self._complex: Level | None = None

    @property
    def splittings(self) -> tuple[Splitting, ...] | None:
        """The factors over C, if they were needed and found."""
        return self._complex.splittings if self._complex is not None else None

    @property
    def too_many(self) -> bool:
        """Whether there are more layers than are searched."""
        return len(self.layers) > _MOST_LAYERS

    def decide(self, field: FieldName) -> tuple[bool | None, str]:
        """Whether there is a grouping over a field, and the reason."""
        progress.report(f"groups of factors over the {field} numbers")
        level: Level | None = self.rational
        if field != "rational":
            level = self._complex_level()
        if level is None:
            return self._by_counts(field)
        try:
            if len(self.lattices) == 1:
                return self._on_one_lattice(field, level)
            return self._on_several_lattices(field, level)
        except Exhausted:
            return None, f"{OVER[field]} the search for groups of its factors grew too long."

    def _on_one_lattice(self, field: FieldName, level: Level) -> tuple[bool, str]:
        (lattice,) = self.lattices
        multiplicities = [atom.multiplicity for atom in level.atoms]
        listed = []
        for part in parts(level.orbits[lattice], level.atoms, field):
            times = min(multiplicities[n] for n in part.atoms)
            listed.append((part, times))
            for n in part.atoms:
                multiplicities[n] -= times
        if any(multiplicities):
            step = "x".join(map(str, lattice))
            return False, f"it has taps between those of filters with dilation {step}."
        if exists(self.layers, listed, Work(_STEPS)) is None:
            return False, no_grouping(field, listed, self.layers)
        return True, f"{OVER[field]} its irreducible parts can be shared out among the layers."

    def _on_several_lattices(self, field: FieldName, level: Level) -> tuple[bool, str]:
        if len(level.atoms) > _MOST_ATOMS:
            raise Exhausted
        for _ in self._groupings(field, level, Work(_STEPS)):
            return True, f"{OVER[field]} its irreducible parts can be shared out among the layers."
        coarse = sorted(lattice for lattice in self.lattices if lattice != self.ones)
        shown = " or ".join("x".join(map(str, lattice)) for lattice in coarse)
        return False, (
            f"{OVER[field]} its irreducible parts cannot be shared out: a filter with dilation "
            f"{shown} takes only parts that have taps at its places alone, and each layer has "
            "room for so much."
        )

    def _by_counts(self, field: FieldName) -> tuple[bool | None, str]:
        """What the numbers of factors over C tell, where these are not worked out."""
        listed = []
        for factor, count in zip(self.factors, self.counts, strict=True):
            kinds = _kinds(factor, count, field)
            if kinds is None or self.lattices != {self.ones}:
                return None, f"{self.undecided}."
            listed += [(Part((), size), factor.multiplicity * times) for size, times in kinds]
        try:
            if exists(self.layers, listed, Work(_STEPS)) is None:
                return False, no_grouping(field, listed, self.layers)
        except Exhausted:
            return None, f"{OVER[field]} the search for groups of its factors grew too long."
        return True, f"{OVER[field]} its irreducible parts can be shared out among the layers."

    def ways(self, field: FieldName) -> tuple[Level | None, Found]:
        """The groupings over a field, where there are some."""
        if field == "rational":
            return self.rational, self._counted(field, self.rational)
        if all(count.factors == 1 for count in self.counts):
            found = self._counted(field, self.rational)
            return self.rational, found._replace(new=())
        level = self._complex_level()
        if level is None:
            return None, Found(1, False, ())
        return level, self._counted(field, level)

    def _counted(self, field: FieldName, level: Level) -> Found:
        new: list[Grouping] = []
        count = 0
        try:
            if len(level.atoms) > _MOST_ATOMS:
                raise Exhausted
            for grouping in self._groupings(field, level, Work(_STEPS)):
                count += 1
                if len(new) < _KEPT and not _smaller(grouping, field, level.atoms):
                    new.append(grouping)
                if count == _MOST_WAYS:
                    return Found(count, False, tuple(new))
        except Exhausted:
            if not count:
                new = self._one(field, level)
            return Found(max(1, count), False, tuple(new))
        return Found(count, True, tuple(new))

    def _one(self, field: FieldName, level: Level) -> list[Grouping]:
        """A grouping found by degrees alone, where listing them took too long."""
        if len(self.lattices) > 1:
            return []
        (lattice,) = self.lattices
        listed = [
            (part, level.atoms[part.atoms[0]].multiplicity)
            for part in parts(level.orbits[lattice], level.atoms, field)
        ]
        homes = exists(self.layers, listed, Work(_STEPS))
        assert homes is not None  # it was found before
        spread = [part for part, times in listed for _ in range(times)]
        groups: list[list[int]] = [[] for _ in self.layers]
        for home, part in zip(homes, spread, strict=True):
            groups[home] += part.atoms
        return [self._among_all(tuple(tuple(sorted(group)) for group in groups))]

    def _groupings(self, field: FieldName, level: Level, work: Work) -> Iterator[Grouping]:
        choices = {
            lattice: parts(orbits, level.atoms, field) for lattice, orbits in level.orbits.items()
        }
        counts = tuple(atom.multiplicity for atom in level.atoms)
        degrees = tuple(atom.degree for atom in level.atoms)
        found = groupings(self.layers, choices, counts, degrees, work)
        return map(self._among_all, found)

    def _among_all(self, grouping: Grouping) -> Grouping:
        """The groups of all layers, given those of the layers that are needed."""
        groups: list[Group] = [()] * self.all
        for place, group in zip(self.places, grouping, strict=True):
            groups[place] = group
        return tuple(groups)

    def _complex_level(self) -> Level | None:
        """The factors over C; None, with the reason in `undecided`, where they are not found."""
        if self._complex is None and not self.undecided:
            try:
                found = tuple(map(_split, self.factors, self.counts))
                self._complex = self._level(found, split_up=True)
            except Undecided as error:
                self.undecided = str(error)
        return self._complex

    def _level(self, splittings: tuple[Splitting, ...], *, split_up: bool) -> Level:
        atoms = atoms_of(splittings)
        orbits = {}
        for lattice in self.lattices:
            if lattice == self.ones:
                orbits[lattice] = trivial_orbits(atoms)
            else:
                orbits[lattice] = lattice_orbits(
                    self.terms, lattice, splittings, atoms, split_up=split_up
                )
        return Level(splittings, atoms, orbits)


def _needed(layers: list[Layer], factors: tuple[Irreducible, ...]) -> tuple[list[Layer], list[int]]:
    """The layers with room, of equal ones no more than there can be factors; and their places."""
    most = sum(factor.multiplicity * sum(factor.degree) for factor in factors)
    copies: Counter[Layer] = Counter()
    places = []
    for place, layer in enumerate(layers):
        copies[layer] += 1
        if any(layer.room) and copies[layer] <= most:
            places.append(place)
    return [layers[place] for place in places], places


def _kinds(
    factor: Irreducible, count: Count, field: FieldName
) -> list[tuple[Exponent, int]] | None:
    """The degrees of the parts of a factor over R or C, and how many there are; None if unknown."""
    if count.factors is None:
        return None
    size = tuple(power // count.factors for power in factor.degree)
    if field == "complex" or count.factors == 1:
        return [(size, count.factors)]
    if len(active(factor.terms)) > 1 or count.factors > _MOST_COUNTED:
        return None
    line = product(*(range(power + 1) for power in factor.degree))  # of a single axis
    try:
        found = roots(tuple(int(factor.terms.get(place, 0)) for place in line))
    except Undecided:
        return None
    real = sum(root.imag.is_zero() for root in found)
    pair = tuple(2 * power for power in size)
    return [(size, real), (pair, (count.factors - real) // 2)]


def _whole(factor: Irreducible, count: Count) -> Splitting:
    """An irreducible factor over Q as it is."""
    return Splitting(factor, count, splitting(factor.terms, 1))


def _split(factor: Irreducible, count: Count) -> Splitting:
    if count.factors is None:
        raise Undecided(count.reason)
    size = [power // count.factors + 1 for power in factor.degree]
    unknowns = prod(size) * count.factors
    if count.factors == 1:
        return _whole(factor, count)
    if count.factors > _MOST_ROOTS:
        raise Undecided(f"a factor has {count.factors} conjugate roots, too many to tell apart")
    large = count.factors > _MOST_CONJUGATES or unknowns > _MOST_UNKNOWNS
    if len(active(factor.terms)) > 1 and large:
        raise Undecided("the field over which a factor splits is too large to be worked out")
    return Splitting(factor, count, splitting(factor.terms, count.factors))


def _smaller(grouping: Grouping, field: FieldName, atoms: Sequence[Atom]) -> bool:
    """Whether a grouping over a field is one over the next smaller field already.

    A product of conjugate factors is rational iff each of them occurs equally often (the Galois
    group permutes them transitively), and real iff complex conjugate ones do.
    """
    if field == "rational":
        return False
    for group in grouping:
        counts = [0] * len(atoms)
        for n in group:
            counts[n] += 1
        if field == "real":
            by_factor: dict[int, set[int]] = {}
            for count, atom in zip(counts, atoms, strict=True):
                by_factor.setdefault(atom.of, set()).add(count)
            if any(len(different) > 1 for different in by_factor.values()):
                return False
        elif any(count != counts[atom.mirror] for count, atom in zip(counts, atoms, strict=True)):
            return False
    return True
