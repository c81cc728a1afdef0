"""Whether a kernel is exactly a product of filters of given shapes."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from convalgebra.algebra.one_channel.chains import Chain, Exponent
from convalgebra.algebra.one_channel.work import Work
from convalgebra.kernels.factoring.absolute import absolute_factors
from convalgebra.kernels.factoring.factorizations import Factorization, Filter
from convalgebra.kernels.factoring.filters import Builder, number_of
from convalgebra.kernels.factoring.groupings import Layer
from convalgebra.kernels.factoring.parts import FIELDS, FieldName
from convalgebra.kernels.factoring.polynomials import Terms, core, degree, terms_of
from convalgebra.kernels.factoring.rational import Irreducible, TooLarge, rational_factors
from convalgebra.kernels.factoring.reasons import OVER, pieces_of, too_wide
from convalgebra.kernels.factoring.report import FactorReport, Piece, Ways
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
    return _Question(given, text, texts, chain).answer()


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

    def answer(self) -> FactorReport:
        if not self.terms:
            self._zero()
        else:
            self._decide()
        if self.kernel.floats and not self.answers["rational"]:
            self.notes.append(
                "The entries are floats or rounded decimals, taken exactly as they are; how close "
                "a kernel known only to rounding is to a product is what `nearest` answers."
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
            number_of(self.scale),
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
        filters = []
        first = True
        for factor, text in zip(self.chain.factors, self.texts, strict=True):
            size = prod(factor.taps)
            if factor.free:
                value: Any = () if first else (1,)
                first = False
                entries = (value, *[()] * (size - 1))
            else:
                entries = ((Fraction(1, size),),) * size
            decimals = tuple(complex(float(e[0])) if e else 0j for e in entries)
            filters.append(Filter(text, factor.taps, entries, decimals, fixed=not factor.free))
        self.shown = [Factorization("rational", tuple(filters), (0,) * self.chain.axes)]
        return self._all(
            True, "the kernel is 0: one filter 0 is enough, and the others can be any."
        )

    def _decide(self) -> None:
        _, plain = core(self.terms)
        room = self._room()
        wide = too_wide(plain, self.chain)
        if wide:
            return self._all(False, wide)
        if prod(size + 1 for size in degree(plain)) > _MOST_DIVIDED and len(self.free) < len(
            self.chain.factors
        ):
            return self._all(None, "it has too many entries to be divided by the averages.")
        rest = self._without_averages(plain)
        if rest is None:
            return self._all(
                False,
                "it is not divisible by the fixed average, as every kernel that the stack makes.",
            )
        if any(size > most for size, most in zip(degree(rest), room, strict=True)):
            return self._all(False, too_wide(rest, self.chain) or "it is too large.")
        if not self.free:
            return self._averages_only(rest)
        try:
            self.scale, factors = rational_factors(rest)
            self._packed(rest, factors)
        except TooLarge as error:
            self._all(None, f"{error}.")
        return None

    def _room(self) -> Exponent:
        zero = (0,) * self.chain.axes
        return tuple(map(sum, zip(zero, *(f.degree for f in self.free), strict=True)))

    def _without_averages(self, plain: Terms) -> Terms | None:
        """The kernel divided by all averages; None if it is not divisible."""
        from flint import Ordering, fmpq, fmpq_mpoly_ctx

        fixed = [factor for factor in self.chain.factors if not factor.free]
        if not fixed:
            return plain
        names = [f"z{axis}" for axis in range(self.chain.axes)]
        context = fmpq_mpoly_ctx.get(names, Ordering.lex)
        exact = {place: Fraction(value) for place, value in plain.items()}
        left = context.from_dict(
            {place: fmpq(value.numerator, value.denominator) for place, value in exact.items()}
        )
        for factor in fixed:
            share = fmpq(1, prod(factor.taps))
            left, over = divmod(left, context.from_dict(dict.fromkeys(factor.exponents(), share)))
            if over != 0:
                return None
        return {
            tuple(map(int, place)): number_of(Fraction(int(c.p), int(c.q)))
            for place, c in left.to_dict().items()
        }

    def _averages_only(self, rest: Terms) -> None:
        (value,) = rest.values()  # its degree is 0
        self.scale = Fraction(value)
        if value != 1:
            return self._all(
                False, f"it is {value} times the product of the averages, which has no free scale."
            )
        builder = Builder(self.terms, self.kernel.shape, self.chain, self.texts, (), (), self.work)
        self.shown = [builder.factorization((), "rational")]
        self.ways = {field: Ways(1, True) for field in FIELDS}
        return self._all(True, "it is the product of the averages.")

    def _packed(self, rest: Terms, factors: tuple[Irreducible, ...]) -> None:
        counts = tuple(absolute_factors(factor.terms) for factor in factors)
        layers = [Layer(factor.degree, factor.dilation) for factor in self.free]
        search = Search(layers, rest, factors, counts)
        if search.too_many:
            self._all(None, f"{len(search.layers)} layers share its factors out: too many.")
            return
        self._decide_over("rational", search, ())
        self._decide_over("complex", search, ("rational",))
        self._decide_over("real", search, ("rational", "complex"))
        self.pieces = pieces_of(factors, counts, search.splittings)
        self._list(search)

    def _decide_over(self, field: FieldName, search: Search, others: tuple[FieldName, ...]) -> None:
        """The answer over a field: those over others may settle it."""
        for other in others:
            if self.answers[other] is (other == "rational"):
                word = "a" if other == "rational" else "no"
                self.answers[field] = self.answers[other]
                self.reasons[field] = f"it is {word} product {OVER[other]} already."
                if word == "no":
                    self.reasons[field] = self.reasons[other]
                return
        self.answers[field], self.reasons[field] = search.decide(field)

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
            builder = Builder(
                self.terms,
                self.kernel.shape,
                self.chain,
                self.texts,
                level.splittings,
                level.atoms,
                self.work,
            )
            for grouping in found.new[: SHOWN - len(self.shown)]:
                self.shown.append(builder.factorization(grouping, field))
        if search.undecided and not self.answers["rational"]:
            self.notes.append(f"Not all was worked out: {search.undecided}.")
