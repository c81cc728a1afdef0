"""What is known of each activation as a function on the real line: one table, one row for a kind.

The functions, as frameworks compute them: `leakyrelu` with the slope 1/100 below 0 (any slope
between 0 and 1 has the same facts, with another `pair`), `elu` with alpha 1, `selu` with its two
constants, `gelu` with the error function (its tanh approximation has the same facts),
`softplus(x) = log(1 + e^x)`, `hardsigmoid(x) = relu6(x + 3)/6`, `hardswish(x) = x hardsigmoid(x)`,
`mish(x) = x tanh(softplus(x))`. `softmax` works across the channels of one position, all others
number by number. All are continuous, and none is a polynomial.

*Ridge lemma.* Let f_1, .., f_n be affine functionals whose linear parts are not 0 and pairwise not
proportional, and s_1, .., s_n continuous functions of one variable. If the sum of the s_i(f_i) is
affine, then every s_i is a polynomial. (For each j != i take a direction u_j along which f_j is
constant and f_i is not. The difference operators of these directions, one after another, leave of
the sum only the differences of s_i(f_i). They and two more vanish for all steps; a continuous
function whose differences of some order vanish is a polynomial, by Frechet.)

*Shifts.* On an unbounded grid the functional that one hidden channel is of the input, if it is not
0, is not proportional to itself moved by a position: its first non-zero coefficient, in
lexicographic order, moves along.

So with n hidden units of which no two are proportional, shifts of them included, no activation at
all lets anything cancel. Units that are proportional, `w_i f` with one f, are a question of one
variable: which sums of `c_i s(w_i t)` are affine?

- *pair* (relu, leakyrelu, silu, gelu, softplus, hardswish): `s(x) - s(-x) = pair x`, that is,
  s(x) = pair x / 2 + e(x), e even. The e(w t) with different |w| are independent of one another
  and of polynomials (softplus, silu: singularities at different distances; gelu: 1 - erf falls at
  different rates; hardswish: its second derivative jumps at 3/|w|), or for relu and leakyrelu all
  are multiples of |t|. So the c_i with w_i > 0 and those with w_i < 0 must balance: the sum of
  c_i |w_i| is 0, for each |w| or in all. What is left is `pair` times the sum of c_i w_i t over
  the i with w_i > 0 alone.
- *alone* (all others): the s(w t) with different w (for tanh, sigmoid, hardsigmoid: different |w|)
  are independent of one another and of polynomials, so nothing is left but constants. (elu, selu:
  e^(w t) on one side; mish: poles with the real part log(2)/(2 w); tanh, sigmoid: poles on the
  imaginary axis; relu6, hardsigmoid: kinks at 6/w and 3/w.) And what is bounded is affine only as
  a constant, however it came about.

With biases the units are `w_i t + b_i`. Both statements stay true where `biased` says so: the
kink, pole or rate of fall then tells w_i and b_i. For relu6 and hardsigmoid they do not: the ramp
from 0 to 2 is the sum of those from 0 to 1 and from 1 to 2. (hardswish, mish: not proved here.)
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from convalgebra.layers import ACTIVATIONS


class Facts(NamedTuple):
    """What holds of an activation s on the real line.

    `injective`: s(x) = s(y) only for x = y. `pair`: s(x) - s(-x) = pair x, or None. `flat`: s is
    constant up to there, or None. `bounded`, `bounded_below`, `nonnegative`: its values.
    `zero`: s(0) = 0. `biased`: what the head of this module says of proportional units holds with
    biases too.
    """

    injective: bool = False
    pair: Fraction | None = None
    flat: int | None = None
    bounded: bool = False
    bounded_below: bool = True
    nonnegative: bool = False
    zero: bool = True
    biased: bool = True


_ONE = Fraction(1)

FACTS: dict[str, Facts] = {
    "relu": Facts(pair=_ONE, flat=0, nonnegative=True),
    "leakyrelu": Facts(injective=True, pair=Fraction(101, 100), bounded_below=False),
    "relu6": Facts(flat=0, bounded=True, nonnegative=True, biased=False),
    "elu": Facts(injective=True),
    "selu": Facts(injective=True),
    "silu": Facts(pair=_ONE),
    "gelu": Facts(pair=_ONE),
    "mish": Facts(biased=False),
    "softplus": Facts(injective=True, pair=_ONE, nonnegative=True, zero=False),
    "sigmoid": Facts(injective=True, bounded=True, nonnegative=True, zero=False),
    "hardsigmoid": Facts(flat=-3, bounded=True, nonnegative=True, zero=False, biased=False),
    "hardswish": Facts(pair=_ONE, flat=-3, biased=False),
    "tanh": Facts(injective=True, bounded=True),
}
ACROSS_CHANNELS = frozenset({"softmax"})  # not a function of one variable
assert set(FACTS) | ACROSS_CHANNELS == ACTIVATIONS, "an activation without facts"


def is_bounded(kind: str) -> bool:
    """Whether the values of an activation lie between two constants.

    >>> [kind for kind in sorted(ACTIVATIONS) if is_bounded(kind)]
    ['hardsigmoid', 'relu6', 'sigmoid', 'softmax', 'tanh']
    """
    return kind in ACROSS_CHANNELS or FACTS[kind].bounded


def is_nonnegative(kind: str) -> bool:
    """Whether an activation has no negative values: a ReLU after it does nothing.

    >>> [kind for kind in sorted(ACTIVATIONS) if is_nonnegative(kind)]
    ['hardsigmoid', 'relu', 'relu6', 'sigmoid', 'softmax', 'softplus']
    """
    return kind in ACROSS_CHANNELS or FACTS[kind].nonnegative
