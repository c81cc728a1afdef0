"""Concrete kernels that a chain cannot make, each with a proof that can be checked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convalgebra.algebra.one_channel.chains import Exponent, Factor

FieldName = Literal["real", "complex", "rational"]
Kernel = dict[Exponent, int]


@dataclass(frozen=True)
class Witness:
    """A kernel outside an image, over `field` (and every field inside it), and the reason.

    `kernel` maps exponents to integer coefficients; `taps` is the box it is shown in.
    """

    field: FieldName
    kernel: tuple[tuple[Exponent, int], ...]
    taps: tuple[int, ...]
    dilation: tuple[int, ...]
    reason: str

    def rows(self) -> list[list[int]]:
        """The kernel as rows of numbers; with one axis a single row.

        With three axes or more the planes stand one after another.
        """
        values = dict(self.kernel)
        ordered = [values.get(e, 0) for e in Factor(self.taps, self.dilation).exponents()]
        width = self.taps[-1]
        return [ordered[at : at + width] for at in range(0, len(ordered), width)]


def _witness(field: FieldName, kernel: Kernel, target: Factor, reason: str) -> Witness:
    return Witness(field, tuple(kernel.items()), target.taps, target.dilation, reason)


def irreducible_kernel(target: Factor, layers: tuple[Factor, ...]) -> Witness:
    """A kernel on the taps of `target` that is no product of `layers` over C.

    `target` has several axes, and none of the layers holds it whole. With x the last axis:
    `x^N + q`, q a polynomial in the others without repeated factor, is irreducible over C by
    Eisenstein's criterion at a prime factor of q. In a product all layers but one are then single
    taps, and that one must hold the whole kernel. If a sparse kernel happens to fit a layer (a
    2x2d2 holds the corners of a 3x3), `x^N + q (1 + x^e)`, with q and x^e on neighbouring taps of
    the target as well, fits only where the target does.

    (No repeated factor: along one axis `1 + z^N` and `1 + z^e + z^(en)` have none, the discriminant
    of `1 + u + u^n` being `n^n` plus or minus `(n - 1)^(n - 1)`; a sum of such along several axes
    is singular in points at most.)
    """
    kernel = _eisenstein(target, rich=False)
    if any(holds_kernel(layer, kernel) for layer in layers):
        kernel = _eisenstein(target, rich=True)
    variable = _names(len(target.taps))[target.axes[-1]]
    reason = (
        f"{polynomial_text(kernel)} does not factor, not even over the complex numbers "
        f"(Eisenstein's criterion in {variable}). In a product every layer but one would be a "
        "single tap, and no layer alone has taps at all of its places."
    )
    return _witness("complex", kernel, target, reason)


def rich_kernel(target: Factor) -> Kernel:
    """A kernel on the taps of `target` that is irreducible over C and fits only where they all do.

    >>> polynomial_text(rich_kernel(Factor((2, 3), (1, 1))))
    '1 + y + x + yx + x^2'
    """
    return _eisenstein(target, rich=True)


def _eisenstein(target: Factor, *, rich: bool) -> Kernel:
    *others, main = target.axes

    def power(axis: int, taps: int) -> Exponent:
        return _along(target, axis, taps * target.dilation[axis])

    def last(axis: int) -> Exponent:
        return power(axis, target.taps[axis] - 1)

    constant = [power(main, 0), *map(last, others)]
    if rich:
        constant += [power(axis, 1) for axis in others]
    kernel = dict.fromkeys(constant, 1)
    if rich and target.taps[main] > 2:
        step = power(main, 1)
        kernel |= {tuple(map(sum, zip(e, step, strict=True))): 1 for e in constant}
    return kernel | {last(main): 1}


def holds_kernel(layer: Factor, kernel: Kernel) -> bool:
    """Whether the places of `kernel`, after a shift, are among the taps of `layer`.

    >>> holds_kernel(Factor((2,), (3,)), {(1,): 1, (4,): 1})
    True
    """
    for places, (taps, step) in zip(zip(*kernel, strict=True), layer.progressions, strict=True):
        low, high = min(places), max(places)
        if high - low > step * (taps - 1) or any((place - low) % step for place in places):
            return False
    return True


def wide_kernel(target: Factor, axis: int, reach: int) -> Witness:
    """`1 + z^N` along an axis on which the chain spans only `reach` < N steps."""
    last = target.degree[axis]
    reason = (
        f"two of its taps lie {last} apart; the taps of what is made lie at most {reach} apart "
        "along that axis."
    )
    return _witness("complex", _sparse(target, axis, 1, last), target, reason)


def another_kernel(target: Factor) -> Witness:
    """A single tap of 2: a chain without weights is one kernel, and its taps add up to 1."""
    reason = "its taps add up to 2, those of the only kernel that is made add up to 1."
    return _witness("complex", {_along(target, 0, 0): 2}, target, reason)


def indivisible_kernel(target: Factor, average: str) -> Witness:
    """A single tap: what an average divides has more of them."""
    reason = (
        f"all that is made is divisible by the {average} average, and what divides a single tap "
        "is a single tap."
    )
    return _witness("complex", {_along(target, 0, 0): 1}, target, reason)


def interleaved_kernel(target: Factor, axis: int, reach: int) -> Witness:
    """`1 + z^e + z^(en)` along one axis: no factor in powers of z^d, unless d divides e.

    Such a factor would divide each of the d interleaved parts of the kernel. The taps at 0 and e
    lie in different parts, and the last one with one of them at most, so one part is a single tap:
    the factor is one too. So only layers whose lattice contains the target's can have more than one
    tap, and they span `reach` of its N steps.
    """
    step, last = target.dilation[axis], target.degree[axis]
    kernel = _sparse(target, axis, 1, step, last)
    reason = (
        f"a dilated factor of {polynomial_text(kernel)} would divide each of its interleaved "
        f"parts, and one of these is a single tap. The other layers span {reach} of its {last} "
        "steps."
    )
    return _witness("complex", kernel, target, reason)


def kernel_with_few_real_roots(
    target: Factor, axis: int, step: int, needed: int, *, alone: bool
) -> Witness:
    """`1 + w^n`, w = z^step: it has n mod 2 real roots w, fewer than the `needed` ones.

    Unless the layers that share out its roots are `alone`: one on another lattice might hold it
    (5d2 holds `1 + z^2`). `1 + z^e + z^(en)` has no factor on another lattice, see
    `interleaved_kernel`. In u = z^e it has one real root if n is odd, for its derivative is
    positive, and none if n is even, for its least value is positive; and that root is negative.
    """
    last = target.degree[axis]
    kernel = _sparse(target, axis, 1, *(() if alone else (target.dilation[axis],)), last)
    roots = "one real root" if last // step % 2 else "no real root"
    if len(kernel) == 2 and last == 2 * step:
        roots += " (discriminant -4)"
    has = f"{polynomial_text(kernel)} has {roots}"
    if step > 1:
        has = f"as a polynomial in {_names(len(target.taps))[axis]}^{step}, {has}"
    reason = f"{has}, and a kernel that is made has at least {needed}"
    if not alone:
        reason += (
            ", or a factor on another lattice. That would divide each of the interleaved parts of "
            "this one, of which one is a single tap"
        )
    return _witness("real", kernel, target, f"{reason}.")


def kernel_irreducible_over_rationals(target: Factor, axis: int, *, held: bool) -> Witness:
    """`2 + 2 z^e + z^(en)` along one axis: irreducible over Q by Eisenstein's criterion at 2.

    `held` tells that some layer does hold it, at another place than that of the padding.
    """
    last = target.degree[axis]
    kernel = _sparse(target, axis, 2, target.dilation[axis], last) | {_along(target, axis, last): 1}
    where = " where the padding puts it" if held else ""
    reason = (
        f"{polynomial_text(kernel)} does not factor over the rationals (Eisenstein's criterion at "
        f"2), and no layer alone holds it{where}."
    )
    return _witness("rational", kernel, target, reason)


def _sparse(target: Factor, axis: int, value: int, *places: int) -> Kernel:
    return dict.fromkeys((_along(target, axis, place) for place in (0, *places)), value)


def _along(target: Factor, axis: int, place: int) -> Exponent:
    return tuple(place if a == axis else 0 for a in range(len(target.taps)))


def polynomial_text(kernel: Kernel) -> str:
    """A kernel as a polynomial, x along the columns and y along the rows.

    >>> polynomial_text({(0, 0): 1, (2, 0): 1, (0, 2): -3})
    '1 + y^2 - 3x^2'
    """
    written = ""
    for exponent in sorted(kernel, key=lambda places: (sum(places), places[::-1])):
        factors = "".join(
            name + (f"^{power}" if power > 1 else "")
            for name, power in zip(_names(len(exponent)), exponent, strict=True)
            if power
        )
        size = abs(kernel[exponent])
        term = factors if factors and size == 1 else f"{size}{factors}"
        sign = "-" if kernel[exponent] < 0 else "+"
        written += f" {sign} {term}" if written else term if sign == "+" else f"-{term}"
    return written


def _names(axes: int) -> list[str]:
    return {1: ["z"], 2: ["y", "x"], 3: ["z", "y", "x"]}.get(
        axes, [f"z{axis}" for axis in range(axes)]
    )
