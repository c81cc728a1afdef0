"""What has to hold of named sizes, and cannot be decided: `H >= 7`, `4 divides C`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from convalgebra.errors import SizeError
from convalgebra.sizes import Size, at_least, exact_divide, formula, is_whole, same, simplest

Message: TypeAlias = Callable[[], str]  # a formula is written out only where it is shown


class Assumptions:
    """What was taken for granted of named sizes, in the order met, each once.

    >>> from convalgebra.sizes import floor_divide, symbol
    >>> taken = Assumptions()
    >>> taken.at_least(symbol("H"), 7)
    >>> taken.same(symbol("H"), 2 * floor_divide(symbol("H"), 2))
    >>> taken.listed(), taken.least()
    (('H >= 7', 'H = 2*(H//2)'), {'H': 7})
    """

    def __init__(self) -> None:
        self._facts: dict[str, int | None] = {}  # of `H >= 7` the 7

    def at_least(self, size: Size, bound: Size, otherwise: Message | None = None) -> None:
        """Take `size >= bound`; an error that says `otherwise` where it is false."""
        decided = at_least(size, bound)
        if decided is None:
            difference = _without_outer_floor(simplest(size - bound))
            decided = at_least(difference, 0)
            if decided is None:
                self._note_bound(difference)
        if decided is False:
            usual = f"{formula(size)} must be at least {formula(bound)}"
            raise SizeError(otherwise() if otherwise else usual)

    def _note_bound(self, difference: Any) -> None:
        number, terms = difference.as_coeff_add()
        if len(terms) == 1:
            coefficient, monomial = terms[0].as_coeff_Mul()
            if coefficient > 0 and is_whole(monomial):
                number, terms = number // coefficient, (monomial,)
        # H >= k + 1, not H - k - 1 >= 0: what has a minus goes to the right, and numbers do.
        smaller = [term for term in terms if term.as_coeff_Mul()[0] < 0]
        left = simplest(sum(term for term in terms if term not in smaller))
        right = simplest(-sum(smaller) - number)
        if isinstance(right, int):
            known = self._facts.get(formula(left))
            self._facts[formula(left)] = right if known is None else max(known, right)
        elif left == 0:
            self.note(f"{formula(simplest(right + number))} <= {formula(simplest(number))}")
        else:
            self.note(f"{formula(left)} >= {formula(right)}")

    def same(self, left: Size, right: Size, otherwise: Message | None = None) -> None:
        """Take `left = right`; an error that says `otherwise` where it is false."""
        decided = same(left, right)
        if decided is False:
            usual = f"{formula(left)} is not {formula(right)}"
            raise SizeError(otherwise() if otherwise else usual)
        if decided is None:
            self.note(f"{formula(left)} = {formula(right)}")

    def same_or_one(self, left: Size, right: Size) -> None:
        """Take `left = right` or `right = 1`, which is not decided."""
        self.note(f"{formula(left)} = {formula(right)} or {formula(right)} = 1")

    def divides(self, divisor: Size, size: Size, otherwise: Message | None = None) -> None:
        """Take that `divisor` divides `size`; an error that says `otherwise` where it does not."""
        if divisor == 1:
            return
        if isinstance(divisor, int) and isinstance(size, int):
            whole: bool | None = size % divisor == 0
        else:
            whole = is_whole(exact_divide(size, divisor))
        if whole is False:
            usual = f"{formula(divisor)} does not divide {formula(size)}"
            raise SizeError(otherwise() if otherwise else usual)
        if whole is None:
            self.note(f"{formula(divisor)} divides {formula(size)}")

    def whole(self, size: Size, least: int | None = None) -> None:
        """Take that `size` is a whole number, and at least `least`; an error where it never is."""
        if isinstance(size, int):
            if least is not None:
                self.at_least(size, least)
            return
        from convalgebra.size_quotients import needs

        for need, part in needs(size):
            if need == "quotient":
                self.whole(part)
            else:
                self._not_zero(part)
        size = simplest(size)
        if isinstance(size, int):
            self.whole(size, least)
            return
        if not is_whole(size):
            above, below = size.together().as_numer_denom()
            self.divides(simplest(below), simplest(above))
        if least is not None:
            from convalgebra.size_signs import denominator

            # A whole number c/n is at least 1 where c is.
            n = denominator(size)
            self.at_least(simplest(n * size), n * (least - 1) + 1)

    def _not_zero(self, size: Any) -> None:
        """Take that a divisor is not 0; an error where it is."""
        size = simplest(size)
        if same(size, 0):
            raise SizeError("division by zero")
        if at_least(size, 0):
            self.at_least(size, 1)
        elif at_least(-size, 0):
            self.at_least(-size, 1)
        elif same(size, 0) is None:
            number, _ = size.as_coeff_add()
            self.note(f"{formula(simplest(size - number))} != {formula(int(-number))}")

    def copy(self) -> Assumptions:
        """The same facts, to be added to."""
        other = Assumptions()
        other._facts.update(self._facts)
        return other

    def take(self, other: Assumptions) -> None:
        """Take all that another one does, which has been a copy of this one."""
        self._facts.update(other._facts)

    def note(self, fact: str) -> None:
        """Take `fact`, in words."""
        self._facts[fact] = None

    def least(self) -> dict[str, int]:
        """The smallest number that each name is taken to be, for those where one is taken."""
        return {
            fact: bound
            for fact, bound in self._facts.items()
            if bound is not None and fact.isidentifier()
        }

    def listed(self) -> tuple[str, ...]:
        """The assumptions as text."""
        return tuple(
            fact if bound is None else f"{fact} >= {formula(bound)}"
            for fact, bound in self._facts.items()
        )


def _without_outer_floor(difference: Any) -> Any:
    """A formula that is at least 0 where another one is: of `2*(H//16) - 1` it is `H - 16`."""
    from sympy import floor

    cleared = _cleared(difference)
    if cleared is None or isinstance(cleared, int):
        return difference if cleared is None else cleared
    number, terms = cleared.as_coeff_add()
    if len(terms) == 1:
        coefficient, monomial = terms[0].as_coeff_Mul()
        if coefficient > 0 and isinstance(monomial, floor):
            return _without_outer_floor(monomial.args[0] + number // coefficient)
    return cleared


def _cleared(difference: Any) -> Any:
    """A formula times its denominator, which is not 0; None where that may be negative."""
    above, below = difference.together(deep=False).as_numer_denom()
    return simplest(above) if at_least(simplest(below), 0) else None
