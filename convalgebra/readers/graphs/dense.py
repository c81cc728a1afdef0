"""Dense layers, products of matrices, attention: their MACs from the shapes alone.

A product of matrices (.., n, k) and (.., k, m) takes n m k MACs for each pair of matrices. The
figures are those of the definition; what an implementation saves does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from convalgebra.layers import Channels, Layer
from convalgebra.readers.graphs.arrangements import (
    axes_in,
    is_whole,
    straight,
    whole,
)
from convalgebra.readers.graphs.builder import Builder, Constant, Operand, Parameter, Tensor, Work
from convalgebra.readers.graphs.pointwise import broadcast, nameless
from convalgebra.shapes import Shape
from convalgebra.sizes import Size, product, same


def linear(
    builder: Builder, tensor: Tensor, weight: Constant, bias: Constant | None, out: Size
) -> Tensor:
    """A dense layer over the last dimension: over the channels at each position, or over all.

    `weight` has one element for each pair of a number that comes in and one that goes out. Where it
    is held, it is (out, in).
    """
    arrays = {"weight": weight, "bias": bias}
    constants = [weight, *([] if bias is None else [bias])]
    word = Layer("linear", channels=Channels("=", out), bias=bias is not None)
    for lies in (tensor, builder.in_order(tensor, len(tensor.dims) - 1)):
        at, last, others = builder.shape_at(lies), lies.dims[-1], lies.dims[:-1]
        if len(at) > 1 and is_whole(last, 0, at) and 0 not in axes_in(others):
            layer = word
        elif not any(others) and last == sum(straight(at), ()):
            layer = replace(word, kind="fc")
        else:
            continue
        dims = (*others, whole(0, out))
        node = builder.layer(layer, [lies.node], constants, arrays=arrays)
        if node is not None:
            return Tensor(node, dims)
        bare = replace(layer, bias=False)  # a bias that other layers have too, or that is made
        node = None
        if bias is not None:
            node = builder.layer(bare, [lies.node], [weight], arrays=arrays)
        if node is not None:
            return nameless(builder, "add", Tensor(node, dims), constants[1:])
    shape = (*tensor.shape[:-1], out)
    macs = number(product([*tensor.shape[:-1], weight.numel]))
    return builder.made("linear", [tensor, *constants], shape, macs, len(shape) - 1)


def matrix_product(builder: Builder, name: str, one: Operand, other: Operand) -> Operand:
    """`one @ other`, as numpy and its followers have it."""
    shape, macs = product_shape(one.shape, other.shape), product_macs(one.shape, other.shape)
    return anyhow(builder, name, [one, other], shape, macs)


def anyhow(
    builder: Builder, name: str, operands: Sequence[Operand], shape: Shape, macs: int | None
) -> Operand:
    """What an operation without a word makes: a constant, if all that it reads is constant."""
    constants = [operand for operand in operands if isinstance(operand, Constant)]
    if len(constants) == len(operands):
        return folded(constants, shape, macs)
    return builder.made(name, operands, shape, macs, len(shape) - 1)


def folded(constants: Sequence[Constant], shape: Shape, macs: int | None = 0) -> Constant:
    """A constant that is made from others, at the price of so many MACs."""
    parameters = frozenset[Parameter]().union(*(c.parameters for c in constants))
    work = frozenset[Work]().union(*(c.work for c in constants))
    return Constant(shape, parameters, work if macs == 0 else work | {Work(macs)})


def product_shape(one: Shape, other: Shape) -> Shape:
    """The shape of a product of matrices, or of vectors.

    >>> product_shape((8, 1, 4, 5), (3, 5, 6))
    (8, 3, 4, 6)
    """
    batch = broadcast([(1, *one[:-2]), (1, *other[:-2])])[1:]
    long = max(len(one), len(other)) - 2
    batch = batch[len(batch) - long :] if long > 0 else ()
    return (*batch, *one[-2:-1], *(other[-1:] if len(other) > 1 else ()))


def product_macs(one: Shape, other: Shape) -> int | None:
    """The MACs of a product of matrices: each output adds up as many products as are summed over.

    >>> product_macs((8, 1, 4, 5), (3, 5, 6))
    2880
    """
    return number(product([*product_shape(one, other), one[-1]]))


def einsum_terms(equation: str, shapes: Sequence[Shape]) -> tuple[list[str], str] | None:
    """The letters of each tensor of an einsum and of its result, written out; None if they misfit.

    Each dimension that `...` stands for is a capital of the alphabet's end, aligned to the right.
    Without an arrow the result has the letters that stand once, in the order of the alphabet.

    >>> einsum_terms("b...c,oc->b...o", [(1, 9, 10, 3), (5, 3)])
    (['bYZc', 'oc'], 'bYZo')
    >>> einsum_terms("bchw,oc", [(1, 3, 9, 10), (5, 3)])
    (['bchw', 'oc'], 'bhow')
    """
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes) or any(part.count("...") > 1 for part in (*terms, result)):
        return None
    longs = [len(s) - len(t.replace("...", "")) for t, s in zip(terms, shapes, strict=True)]
    if any(n < 0 or (n and "..." not in t) for n, t in zip(longs, terms, strict=True)):
        return None
    most = max(n if "..." in t else 0 for n, t in zip(longs, terms, strict=True))
    spare = "MNOPQRSTUVWXYZ"
    if most > len(spare) or (most and set(spare) & set(equation)):
        return None
    rest = [spare[len(spare) - n :] for n in longs]
    terms = [term.replace("...", r) for term, r in zip(terms, rest, strict=True)]
    full = spare[len(spare) - most :]
    letters = "".join(terms)
    if not arrow:
        result = "..." + "".join(
            sorted(x for x in set(letters) - set(full) if letters.count(x) == 1)
        )
    result = result.replace("...", full)
    fits = letters.isalpha() and set(result) <= set(letters) and len(set(result)) == len(result)
    return (terms, result) if fits else None


def einsum_sizes(terms: Sequence[str], shapes: Sequence[Shape]) -> dict[str, Size] | None:
    """The size of each letter of an einsum; None where two of them differ and none is 1."""
    sizes: dict[str, Size] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(term, shape, strict=True):
            before = sizes.get(letter, 1)
            if not same(before, 1) and not same(size, 1) and same(before, size) is False:
                return None
            sizes[letter] = size if same(before, 1) else before
    return sizes


def einsum_macs(equation: str, shapes: Sequence[Shape]) -> int | None:
    """The MACs of an einsum over two tensors that share what is summed over, else None.

    >>> einsum_macs("bhid,bhjd->bhij", [(1, 4, 49, 32), (1, 4, 49, 32)])
    307328
    """
    read = einsum_terms(equation, shapes)
    if read is None:
        return None
    terms, result = read
    sizes = einsum_sizes(terms, shapes)
    if len(terms) != 2 or sizes is None or any(len(set(term)) != len(term) for term in terms):
        return None
    summed = sizes.keys() - set(result)
    if not summed:
        return 0  # products without a sum
    return number(product(sizes.values())) if summed <= set(terms[0]) & set(terms[1]) else None


def attention_macs(query: Shape, key: Shape, value: Shape) -> int | None:
    """The MACs of softmax(q k') v: two products of matrices.

    >>> attention_macs((1, 4, 49, 32), (1, 4, 49, 32), (1, 4, 49, 32))
    614656
    """
    scores = (*query[:-1], key[-2])
    first = number(product([*scores, query[-1]]))
    second = number(product([*scores, value[-1]]))
    return None if first is None or second is None else first + second


def number(size: Size) -> int | None:
    """A figure, where it is a number and no formula."""
    return size if isinstance(size, int) else None
