"""The equations of one part of an image, sought degree by degree.

For each degree, the equations of each block of monomials with the same totals in all gradings are
the kernel of a matrix (see `interpolation`). Linear equations come first; one coordinate for each
is then left out, since modulo them it is a combination of others.

If the total degree is no grading, the constant 1 is one more variable: a form of degree d then
stands for a polynomial of degree at most d.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convalgebra.algebra.implicit.equations import Polynomial, Powers
from convalgebra.algebra.implicit.generators import block_of, multiples
from convalgebra.algebra.implicit.gradings import gradings
from convalgebra.algebra.implicit.interpolation import (
    MAX_PRIMES,
    MORE_POINTS,
    Form,
    Kernel,
    Sampler,
    Substitution,
    prime,
)
from convalgebra.algebra.implicit.monomials import (
    MAX_DEGREE,
    Blocks,
    Monomial,
    block_keys,
    blocks,
    count_monomials,
)
from convalgebra.algebra.implicit.parametrization import Parametrization
from convalgebra.algebra.implicit.parts import Part
from convalgebra.budget import Budget

MAX_SIZE = 3_000  # monomials in a block: the matrix takes half a gigabyte while it is made
MAX_TABLE = 4_000_000  # values kept: 200 MB
_PER_MONOMIAL = 1_000  # nanoseconds to list a monomial
_PER_ENTRY = 500  # of a matrix
_PER_PRODUCT = 120  # in a run of the stack


class Ideal:
    """The equations of a part that were found so far, as homogeneous forms.

    `dimension` is a proved lower bound of the dimension of the part.
    """

    def __init__(self, found: Parametrization, part: Part, dimension: int, meter: Budget) -> None:
        self.found, self.part, self.dimension, self.meter = found, part, dimension, meter
        self.generators: list[Form] = []
        self.independent = 0
        self.linear = 0
        self.minimal = True
        self.complete = dimension == len(part)
        self.forms: dict[int, list[Form]] = {}  # all equations of the last degree, by block
        if self.complete:
            return
        scaled = gradings(found, part)
        self.one = len(found.polynomials)  # the number of the constant
        self.variables = list(part) if scaled.uniform else [*part, self.one]
        rows = [(*row, 0) for row in scaled.coordinates]
        self.keys = block_keys(rows, self.one + 1)
        self.substitution = Substitution(found, scaled, part)
        self.samplers: dict[int, Sampler] = {}

    @property
    def cuts_out(self) -> bool:
        """Whether the closure of the image is a component of what the equations cut out."""
        return self.independent == len(self.part) - self.dimension

    def seek(self, degree: int) -> str | None:
        """Finds all equations of a degree, those of lower ones being found; or why it does not."""
        count = count_monomials(len(self.variables), degree)
        why = f"degree {degree} has {count:,} monomials"
        if degree > MAX_DEGREE or not self.meter.takes(count * _PER_MONOMIAL):
            return f"{why}: more than the budget allows"
        by_key = blocks(self.variables, degree, self.keys)
        # A product of coordinates that are not 0 on an irreducible image is not 0 there.
        by_key = {key: block for key, block in by_key.items() if degree == 1 or len(block) > 1}
        products = multiples(self.forms, self.keys, self.variables)
        largest = max(map(len, by_key.values()), default=0)
        work, kept = self._estimate(by_key, products, degree)
        if largest > MAX_SIZE or kept > MAX_TABLE or not self.meter.takes(work):
            return f"{why}, up to {largest:,} of them in a block: more than the budget allows"
        table = self._sampler(0).table(self.variables, degree, largest + MORE_POINTS)
        forms: dict[int, list[Form]] = {}
        new: list[Form] = []
        for key, monomials in by_key.items():
            kernel = table.kernel(monomials)
            if not kernel[0]:
                continue
            kernels = self._kernels(monomials, degree, kernel)
            block = block_of(monomials, products.get(key, []), kernels, self.substitution.vanishes)
            if block is None:
                return (
                    f"degree {degree} has equations that were not found mod {MAX_PRIMES} primes: "
                    "their coefficients are too large"
                )
            new += block.new
            self.minimal &= block.exact
            forms[key] = [*block.old, *block.new]
        self.forms = forms
        self.generators += sorted(new, key=_plainness)
        if degree == 1 and new:
            self._leave_out(new)
        if new:
            self.independent = self._gradients()
        self.complete = self._is_complete()
        return None

    def _estimate(
        self, by_key: Blocks, products: dict[int, list[Form]], degree: int
    ) -> tuple[int, int]:
        """The work for a degree, in nanoseconds, and the number of values that are kept for it."""
        work = points = 0
        for key, block in by_key.items():
            size, rows = len(block), len(products.get(key, ()))
            points = max(points, size + MORE_POINTS)
            work += size * (size + MORE_POINTS) * (_PER_ENTRY + size // 4)
            work += rows * size * (_PER_ENTRY + min(rows, size) // 4)
        table = 2 * count_monomials(len(self.variables), degree - degree // 2)
        runs = max(0, points - len(self._sampler(0).points))
        work += runs * self.found.family.work * _PER_PRODUCT
        return work + points * table * _PER_ENTRY, points * table

    def _kernels(
        self, monomials: Sequence[Monomial], degree: int, first: Kernel
    ) -> Iterator[tuple[int, Kernel]]:
        """The kernels of a block mod one prime after another."""
        yield prime(0), first
        variables = sorted({variable for monomial in monomials for variable in monomial})
        points = len(monomials) + MORE_POINTS
        for number in range(1, MAX_PRIMES):
            table = self._sampler(number).table(variables, degree, points)
            yield prime(number), table.kernel(monomials)

    def _sampler(self, number: int) -> Sampler:
        """The points mod a prime."""
        if number not in self.samplers:
            self.samplers[number] = Sampler(self.found, prime(number))
        return self.samplers[number]

    def _leave_out(self, linear: list[Form]) -> None:
        """Leaves out one variable for each linear equation, and then these equations.

        Later coordinates are expressed by earlier ones. The constant is in no linear equation: the
        psi are 0 at weights 0.
        """
        from flint import fmpz_mat

        backwards = self.variables[::-1]
        rows = [[form.get((variable,), 0) for variable in backwards] for form in linear]
        reduced, _, rank = fmpz_mat(rows).rref()
        left_out = {
            backwards[next(i for i, entry in enumerate(row) if int(entry))]
            for row in reduced.tolist()[:rank]
        }
        self.variables = [variable for variable in self.variables if variable not in left_out]
        self.linear = len(linear)
        self.forms = {}

    def _gradients(self) -> int:
        """The rank of the gradients of the equations at a point of the image, mod a prime.

        Their zero set has at most the dimension `number of coordinates - rank` there, so the image,
        being irreducible and inside, has too.
        """
        from flint import nmod_mat

        p, values = prime(0), self._sampler(0).point(0)
        entries: list[int] = []
        for form in self.generators:
            gradient = [0] * (self.one + 1)
            for monomial, coefficient in form.items():
                for place, variable in enumerate(monomial):
                    term = coefficient
                    for other in (*monomial[:place], *monomial[place + 1 :]):
                        term = term * values[other] % p
                    gradient[variable] += term
            entries += [gradient[number] % p for number in self.part]
        return int(nmod_mat(len(self.generators), len(self.part), entries, p).rank())

    def _is_complete(self) -> bool:
        """Whether the equations generate the whole ideal of the part.

        The image of an affine space is irreducible. Modulo l independent linear equations the
        coordinates are those of a linear space; there a prime ideal of codimension 0 is 0, and one
        of codimension 1 is generated by one polynomial: its element of lowest degree, found first.
        """
        if not self.cuts_out:
            return False
        return self.independent == self.linear or (
            self.independent == self.linear + 1 == len(self.generators)
        )

    def polynomial(self, form: Form, part: Part) -> Polynomial:
        """A form as a polynomial in the y, which are the psi over `scale`, of a part like this."""
        names = dict(zip(self.part, part, strict=True))
        found: dict[Powers, int] = {}
        for monomial, coefficient in form.items():
            powers: dict[int, int] = {}
            for variable in monomial:
                if variable != self.one:
                    powers[names[variable]] = powers.get(names[variable], 0) + 1
            found[tuple(powers.items())] = coefficient
        return found


def _plainness(form: Form) -> tuple[int, int, list[Monomial]]:
    """Short equations with small coefficients come first."""
    return len(form), max(map(abs, form.values())), list(form)
