"""Random points and primes: the same at every run."""

from __future__ import annotations

from random import Random

PRIME = 2**31 - 1


def random_point(count: int, prime: int, random: Random) -> tuple[int, ...]:
    """As many residues of a prime, 0 left out.

    >>> random_point(3, 5, Random(0))
    (4, 4, 1)
    """
    return tuple(random.randrange(1, prime) for _ in range(count))


def random_prime(random: Random) -> int:
    """A prime between 2^30 and 2^31, each with the same chance.

    >>> 2**30 < random_prime(Random(1)) < 2**31
    True
    """
    while True:
        number = random.randrange(2**30 + 1, 2**31, 2)
        if is_prime(number):
            return number


PRIMES = 5 * 10**7  # there are more than so many between 2^30 and 2^31


def is_prime(number: int) -> bool:
    """Whether a number below 3,215,031,751 is prime.

    No composite number below that passes the test of Miller and Rabin to the bases 2, 3, 5 and 7
    (Pomerance, Selfridge, Wagstaff, The pseudoprimes to 25 * 10^9, 1980).

    >>> [n for n in range(20) if is_prime(n)]
    [2, 3, 5, 7, 11, 13, 17, 19]
    """
    bases = (2, 3, 5, 7)
    if number < 2 or number in bases:
        return number in bases
    if any(number % base == 0 for base in bases):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in bases:
        value = pow(base, odd, number)
        if value in (1, number - 1):
            continue
        for _ in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True
