"""Whether a kernel is exactly a product of filters of given shapes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

from convalgebra import progress
from convalgebra.algebra.one_channel.chains import Chain
from convalgebra.algebra.one_channel.work import Work
from convalgebra.errors import InputError, UnsupportedError
from convalgebra.interrupts import compiled
from convalgebra.kernels.factoring.absolute import absolute_factors
from convalgebra.kernels.factoring.conjugates import Atom, Splitting
from convalgebra.kernels.factoring.factorizations import Factorization
from convalgebra.kernels.factoring.filters import Builder
from convalgebra.kernels.factoring.groupings import Layer
from convalgebra.kernels.factoring.parts import FIELDS, FieldName
from convalgebra.kernels.factoring.polynomials import (
    Terms,
    as_flint,
    core,
    degree,
    from_flint,
    plain,
    terms_of,
)
from convalgebra.kernels.factoring.rational import Irreducible, Undecided, rational_factors
from convalgebra.kernels.factoring.reasons import pieces_of, too_wide
from convalgebra.kernels.factoring.report import FactorReport, Piece, Ways
from convalgebra.kernels.factoring.rounding import rounding_of
from convalgebra.kernels.factoring.search import Search
from convalgebra.kernels.factoring.stacks import stack_of
from convalgebra.kernels.sources import Kernel, KernelSource, kernel_of
from convalgebra.readers import Stack

SHOWN = 20  # factorizations
_MOST_DIVIDED = 10_000  # places of a kernel that is divided by averages
_EXACT = 200_000  # products of numbers for exact entries, about two seconds


def factor(kernel: KernelSource, stack: Stack) -> FactorReport:
    """Whether `kernel` is exactly a product of filters of the shapes of `stack`, over Q, R and C.

    The kernel is whatever `kernel_of` reads; the stack a chain of convolutions with one channel,
    averages among them if need be. The product may be the kernel moved by some places.

    >>> report = factor("sobel", "2x2,2x2")
    >>> report.rational, [filter.exact() for filter in report.factorizations[0].filters]
    (True, [(-1, 1, -1, 1), (1, 1, 1, 1)])
    >>> report = factor("box3", "2x2,2x2")
    >>> report.rational, report.real, report.complex, len(report.factorizations)
    (False, False, True, 2)

    Raises InputError for what is no kernel, UnsupportedError for other stacks.
    """
    text, texts, chain = stack_of(stack)
    given = kernel_of(kernel).with_axes(chain.axes)
    report = _Question(given, text, texts, chain).answer()
    if given.floats and not given.is_zero and report.real is not True:
        try:
            return replace(report, rounding=rounding_of(given, stack, chain))
        except (InputError, UnsupportedError) as error:
            why = f"Whether it is a product to rounding is not decided: {error}."
            return replace(report, notes=(*report.notes, why))
    return report


class _Question:
    """A kernel and a chain; each step of `answer` either answers or narrows the question."""

    def __init__(self, kernel: Kernel, text: str, texts: list[str], chain: Chain) -> None:
        self.kernel, self.text, self.texts, self.chain = kernel, text, texts, chain
        self.terms = terms_of(kernel)
        self.free = [factor for factor in chain.factors if factor.free]
        self.answers: dict[FieldName, bool | None] = {}
        self.reasons: dict[FieldName, str] = {}
        self.ways: dict[FieldName, Ways] = {}
        self.shown: list[Factorization] = []
        self.pieces: tuple[Piece, ...] = ()
        self.scale: Fraction = Fraction(1)
        self.notes: list[str] = []
        self.work = Work(_EXACT)

    @compiled()
    def answer(self) -> FactorReport:
        if not self.terms:
            self._zero()
        else:
            self._decide()
        if self.kernel.floats and not self.answers["rational"]:
            self.notes.append(
                "The entries are floats or rounded decimals, taken exactly as they are."
            )
        return FactorReport(
            self.kernel,
            self.text,
            self.chain.receptive_field,
            self.chain.stride,
            self.answers["rational"],
            self.answers["real"],
            self.answers["complex"],
            self.reasons,
            plain(self.scale),
            self.pieces,
            self.ways,
            tuple(self.shown),
            tuple(self.notes),
        )

    def _all(self, answer: bool | None, reason: str) -> None:
        for field in FIELDS:
            if field not in self.answers:
                self.answers[field] = answer
                self.reasons[field] = reason
                if answer is False:
                    self.ways[field] = Ways(0, True)

    def _zero(self) -> None:
        self.scale = Fraction(0)
        if not self.free:
            return self._all(False, "the kernel is 0, and a stack of averages is not.")
        self.shown = [self._builder().zero()]
        reason = "the kernel is 0: one filter 0 is enough, and the others can be any."
        return self._all(True, reason)

    def _decide(self) -> None:
        _, kernel = core(self.terms)
        wide = too_wide(kernel, self.chain)
        if wide:
            return self._all(False, wide)
        averages = len(self.free) < len(self.chain.factors)
        if averages and prod(size + 1 for size in degree(kernel)) > _MOST_DIVIDED:
            return self._all(None, "it has too many entries to be divided by the averages.")
        rest = self._without_averages(kernel)
        if rest is None:
            return self._all(
                False,
                "it is not divisible by the fixed average, as every kernel that the stack makes.",
            )
        if not self.free:
            return self._averages_only(rest)
        try:
            progress.report("irreducible factors")
            self.scale, factors = rational_factors(rest)
            self._packed(rest, factors)
        except Undecided as error:
            self._all(None, f"{error}.")
        return None

    def _without_averages(self, kernel: Terms) -> Terms | None:
        """The kernel divided by all averages; None if it is not divisible."""
        left = as_flint(kernel, self.chain.axes)
        for factor in self.chain.factors:
            if not factor.free:
                share = Fraction(1, prod(factor.taps))
                average = dict.fromkeys(factor.exponents(), share)
                left, over = divmod(left, as_flint(average, self.chain.axes))
                if over != 0:
                    return None
        return from_flint(left)

    def _averages_only(self, rest: Terms) -> None:
        (value,) = rest.values()  # its degree is 0
        self.scale = Fraction(value)
        if value != 1:
            return self._all(
                False, "it is a multiple of the product of the averages, which has no free scale."
            )
        self.shown = [self._builder().factorization((), "rational")]
        self.ways = {field: Ways(1, True) for field in FIELDS}
        return self._all(True, "it is the product of the averages.")

    def _packed(self, rest: Terms, factors: tuple[Irreducible, ...]) -> None:
        counts = tuple(absolute_factors(factor.terms) for factor in factors)
        layers = [Layer(factor.degree, factor.dilation) for factor in self.free]
        search = Search(layers, rest, factors, counts)
        if search.too_many:
            self._all(None, f"{len(search.layers)} layers share its factors out: too many.")
            return
        self._decide_over_each_field(search)
        self.pieces = pieces_of(factors, counts, search.splittings)
        self._list(search)

    def _decide_over_each_field(self, search: Search) -> None:
        found = {"rational": search.decide("rational")}
        if found["rational"][0]:
            found["real"] = found["complex"] = True, "it is a product over the rationals already."
        else:
            found["complex"] = search.decide("complex")
            none = found["complex"][0] is False
            found["real"] = found["complex"] if none else search.decide("real")
        for field in FIELDS:
            self.answers[field], self.reasons[field] = found[field]

    def _builder(
        self, splittings: tuple[Splitting, ...] = (), atoms: tuple[Atom, ...] = ()
    ) -> Builder:
        shape = self.kernel.shape
        return Builder(self.terms, shape, self.chain, self.texts, splittings, atoms, self.work)

    def _list(self, search: Search) -> None:
        for field in FIELDS:
            if not self.answers[field]:
                if self.answers[field] is False:
                    self.ways[field] = Ways(0, True)
                continue
            level, found = search.ways(field)
            self.ways[field] = Ways(found.number, found.complete)
            if level is None:
                continue
            builder = self._builder(level.splittings, level.atoms)
            for grouping in found.new[: SHOWN - len(self.shown)]:
                self.shown.append(builder.factorization(grouping, field))
        if search.undecided and not self.answers["rational"]:
            self.notes.append(f"Not all was worked out: {search.undecided}.")
