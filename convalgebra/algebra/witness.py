"""Concrete kernels that a chain cannot make, each with a proof that can be checked by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convalgebra.algebra.chains import Exponent, Factor

FieldName = Literal["real", "complex", "rational"]



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


def irreducible_kernel(target: Factor, layers: tuple[Factor, ...]) -> Witness:
    """A kernel on the taps of `target` that is no product over C of `layers`, none of which holds it.

    `target` has several axes. With x its first such axis: `x^N + q`, q a polynomial in the others
    without repeated factor, is irreducible over C by Eisenstein's criterion at a prime factor of q. In
    a product all layers but one are then single taps, and that one must hold the whole kernel. If a
    sparse kernel happens to fit a layer (a 2x2d2 holds the corners of a 3x3), `x^N + q (1 + x)` with q
    reaching into the lattice of the target as well fits only where the target does.
    """
    axes = target.axes
    for rich in (False, True):
        kernel = _eisenstein(target, axes, rich)
        if not any(_holds(layer, kernel, target) for layer in layers):
            break
    first = _names(len(target.taps))[axes[-1]]
    polynomial = polynomial_text(kernel)
    size = "x".join(map(str, target.taps))
    reason = (
        f"{polynomial} does not factor, not even over the complex numbers (Eisenstein's criterion "
        f"in {first}). In a product every layer but one would be a single tap, "
        f"and no layer holds this kernel: none has the size {size}."
    )
    return Witness("complex", tuple(kernel.items()), target.taps, target.dilation, reason)


def _eisenstein(target: Factor, axes: tuple[int, ...], rich: bool) -> dict[Exponent, int]:
    origin = (0,) * len(target.taps)
    main, others = axes[-1], axes[:-1]

    def unit(axis: int, steps: int) -> Exponent:
        place = list(origin)
        place[axis] = steps * target.dilation[axis]
        return tuple(place)

    constant = {origin: 1}
    for axis in others:
        constant[unit(axis, target.taps[axis] - 1)] = 1
        if rich:
            constant[unit(axis, 1)] = 1
    kernel = dict(constant)
    if rich and target.taps[main] > 2:
        for place in constant:
            kernel[tuple(a + b for a, b in zip(place, unit(main, 1), strict=True))] = 1
    kernel[unit(main, target.taps[main] - 1)] = 1
    return kernel


def _holds(layer: Factor, kernel: dict[Exponent, int], target: Factor) -> bool:
    """Whether the support of `kernel`, after a shift, lies on the taps of `layer`."""
    for axis in range(len(target.taps)):
        places = [exponent[axis] for exponent in kernel]
        low = min(places)
        if any((place - low) % layer.dilation[axis] for place in places):
            return False
        if max(places) - low > layer.degree[axis]:
            return False
    return True


def wide_kernel(target: Factor, axis: int, reach: int) -> Witness:
    """`1 + z^N` along an axis on which the chain spans only `reach` < N steps."""
    last = target.degree[axis]
    kernel = {_along(target, axis, 0): 1, _along(target, axis, last): 1}
    reason = (
        f"two of its taps lie {last} apart; the taps of what is made lie at most {reach} apart "
        "along that axis."
    )
    return Witness("complex", tuple(kernel.items()), target.taps, target.dilation, reason)


def interleaved_kernel(target: Factor, axis: int, reach: int) -> Witness:
    """`1 + z^e + z^(en)` along one axis: no factor in powers of z^d, unless d divides e.

    Such a factor would divide each of the d interleaved parts of the kernel, and two of these, one of
    them a single tap, have no common root. So only layers whose lattice contains the target's can have
    more than one tap, and they span `reach` of its N steps.
    """
    step, last = target.dilation[axis], target.degree[axis]
    kernel = {_along(target, axis, place): 1 for place in sorted({0, step, last})}
    reason = (
        f"a dilated factor of {polynomial_text(kernel)} would divide each of its interleaved parts, "
        f"which have no common root. The other layers span {reach} of its {last} steps."
    )
    return Witness("complex", tuple(kernel.items()), target.taps, target.dilation, reason)


def kernel_with_few_real_roots(target: Factor, axis: int, needed: int) -> Witness:
    """`1 + z^N` along one axis: it has N mod 2 real roots, fewer than the `needed` ones."""
    last = target.degree[axis]
    kernel = {_along(target, axis, 0): 1, _along(target, axis, last): 1}
    polynomial = polynomial_text(kernel)
    roots = "no real root" if last % 2 == 0 else "one real root"
    if last == 2:
        roots += " (discriminant -4)"
    reason = f"{polynomial} has {roots}, and a kernel that is made has at least {needed}."
    return Witness("real", tuple(kernel.items()), target.taps, target.dilation, reason)


def kernel_irreducible_over_rationals(target: Factor, axis: int) -> Witness:
    """`2 + 2 z^e + z^(en)` along one axis: irreducible over Q by Eisenstein's criterion at 2."""
    step, last = target.dilation[axis], target.degree[axis]
    kernel = {_along(target, axis, 0): 2}
    kernel[_along(target, axis, step)] = 2
    kernel[_along(target, axis, last)] = 1
    reason = (
        f"{polynomial_text(kernel)} does not factor over the rationals "
        "(Eisenstein's criterion at 2), and no layer alone has its size."
    )
    return Witness("rational", tuple(kernel.items()), target.taps, target.dilation, reason)


def _along(target: Factor, axis: int, place: int) -> Exponent:
    return tuple(place if a == axis else 0 for a in range(len(target.taps)))


def polynomial_text(kernel: dict[Exponent, int]) -> str:
    """A kernel as a polynomial, x along the columns and y along the rows.

    >>> polynomial_text({(0, 0): 1, (2, 0): 1, (0, 2): -3})
    '1 + y^2 - 3x^2'
    """
    written = ""
    for exponent, coefficient in sorted(kernel.items(), key=lambda item: (sum(item[0]), item[0][::-1])):
        factors = "".join(
            name + (f"^{power}" if power > 1 else "")
            for name, power in zip(_names(len(exponent)), exponent, strict=True)
            if power
        )
        size = abs(coefficient)
        term = factors if factors and size == 1 else f"{size}{factors}"
        sign = "-" if coefficient < 0 else "+"
        written += f" {sign} {term}" if written else ("-" + term if coefficient < 0 else term)
    return written


def _names(axes: int) -> list[str]:
    return {1: ["z"], 2: ["y", "x"], 3: ["z", "y", "x"]}.get(
        axes, [f"z{axis}" for axis in range(axes)]
    )
