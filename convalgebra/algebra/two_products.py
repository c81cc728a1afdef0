"""Kernels as sums of two products: one channel, two hidden ones, one of the layers 2x2.

**Theorem.** Let k, l >= 1. Every real, and every complex, kernel of (k + 1) x (l + 1) taps is
a1 b1 + a2 b2 with a1, a2 of 2x2 and b1, b2 of k x l taps. Over the rationals this holds for every
kernel if k or l is 1, and for all outside a proper algebraic subset if k = l = 2.

*Proof.* Read a kernel as a polynomial p(u, v), homogenized in u and in v apart, of degree k in u
and l in v. (1) Let p vanish in two points that differ in u and in v. A change of u and of v puts
them at (0, 0) and (oo, oo); the forms of degree 1, 1 that vanish there are u0 v1 and u1 v0 times
numbers, and of the monomials of degree k, l only the two corners u0^k v0^l and u1^k v1^l, which p
lacks, are multiples of neither: so p = a1 b1 + a2 b2. If the two points are conjugate, or each is
rational, then a1 and a2 can be taken real (rational), and b1, b2 solve a linear system that is
real (rational). (2) A complex p that has a factor of positive degree in both u and v vanishes in
two such points. Over R, that factor vanishes for some u that is not real in a v that is not real,
since v is a function of u that is holomorphic somewhere and not constant, hence open: this point
and its conjugate do. (3) Else p = q(u) c(v). Over C, and over R if both have real roots only,
linear factors split off: p = (m(u) n(v)) b. Else one has a root that is not real, q(r) = 0 say:
take (r, i) and its conjugate. (4) Over Q with l = 1, p = A(u) + B(u) v. Without their common
factor g, A and B are constant, and p = g (A + B v) is a sum of u (A + B v) times g1 and (A + B v)
times g0, g = u g1 + g0; or v = -A/B is not constant, and two rational u with different v are two
points as in (1). (5) Over Q with k = l = 2, let p2(u) be the coefficient of v^2. For rational s,
t, c, d with 1/d = 1/c + t - s, the zeros of (s - t) p2(u) - c p(u, t) + d p(u, s) are two values
of u, conjugate over Q; with v = t + c p(u, t) / p2(u) = s + d p(u, s) / p2(u) they are zeros of p
(interpolate p in v at s and t), for generic p as in (1).

(1) is Max Noether's theorem for two curves of degree 1, 1.
"""

from __future__ import annotations

from typing import Any

from convalgebra.algebra.answers import Answer, Reach
from convalgebra.algebra.plan import Axes, Plan


def other_layer(plan: Plan) -> tuple[int, int] | None:
    """The taps k, l beside 2x2 of a stack that makes all sums of two products; else None.

    >>> from convalgebra.algebra.plan import plan_of
    >>> from convalgebra.language import parse
    >>> other_layer(plan_of(parse("3x4@2, 2x2@1"))), other_layer(plan_of(parse("3x3@2, 3x3@1")))
    ((3, 4), None)
    """
    if not plan.is_chain or len(plan.steps) != 3 or plan.channels != (1, 1):
        return None
    first, last = plan.steps[1:]
    if any(step.op != "conv" or step.weights is None or step.groups != 1 for step in (first, last)):
        return None
    if first.channels[1] < 2 or first.bias or any(s != 1 for s in first.stride):
        return None
    for square, rest in ((first, last), (last, first)):
        along = [axis for axis, taps in enumerate(square.size) if taps > 1]
        if len(along) != 2 or any(square.size[axis] != 2 for axis in along):
            continue
        others = set(range(plan.axes)) - set(along)
        dilations = ((square.dilation[axis], rest.dilation[axis], axis) for axis in along)
        if all(rest.size[axis] == 1 for axis in others) and all(
            one == two or rest.size[axis] == 1 for one, two, axis in dilations
        ):
            return rest.size[along[0]], rest.size[along[1]]
    return None


def reach_by_two_products(plan: Plan, shift: Axes) -> Reach | None:
    """How much such a stack makes of the full kernel that it sees; None for other stacks.

    `shift` puts the kernel's coefficients on those of the stack.
    """
    taps = other_layer(plan)
    if taps is None:
        return None
    rational: Answer = "all" if 1 in taps else "dense" if taps == (2, 2) else "unknown"
    reason = "every kernel vanishes in two points far enough apart, and so is a sum of two products"
    notes = () if rational == "all" else (_NOTES[rational],)
    claim = {"claim": "two_products", "maker": "maker", "offset": list(shift)}
    figures: dict[str, Any] = {"codimension": 0, "degree": 1, "notes": notes, "claims": (claim,)}
    return Reach("all", "all", rational, reason, (shift,), **figures)


_NOTES = {
    "dense": "over the rationals almost all, by a rational formula; whether all, is not decided",
    "unknown": "over the rationals there need not be two such points",
}
