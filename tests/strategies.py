"""What the property tests draw from: sizes, layers, networks, and texts of the language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from convalgebra.layers import KINDS, LIKE, MERGES, Channels, Layer, Opaque
from convalgebra.network import INPUT, Network, Node
from convalgebra.sizes import Size, exact_divide, floor_divide, symbol

NAMES = ("C", "H", "W", "k", "n", "width")
SMALL = st.integers(1, 5)
LAYER_KINDS = sorted(KINDS.keys() - MERGES - {"input"})


# Sizes


def formulas() -> st.SearchStrategy[Size]:
    """Named sizes that are whole numbers of at least 1 wherever their names are: C, 2*C + 1, .."""

    def grow(smaller: st.SearchStrategy[Size]) -> st.SearchStrategy[Size]:
        return st.one_of(
            st.builds(lambda a, b: a + b, smaller, smaller),
            st.builds(lambda a, b: a * b, smaller, SMALL),
            st.builds(lambda a, b: floor_divide(a, b) + 1, smaller, st.integers(2, 5)),
            st.builds(lambda a, b: exact_divide(a, b) * b, smaller, SMALL),
        )

    return st.recursive(st.sampled_from(NAMES).map(symbol), grow, max_leaves=4)


def sizes(least: int = 1) -> st.SearchStrategy[Size]:
    """Plain and named sizes of at least `least`."""
    return st.one_of(st.integers(least, 5), st.integers(least, 5), formulas())


# Layers


def per_axis(value: st.SearchStrategy[object], axes: int) -> st.SearchStrategy[tuple[object, ...]]:
    """One value for all axes, or one for each."""
    return st.one_of(st.tuples(value), st.tuples(*[value] * axes))


@st.composite
def layers(
    draw: Callable, kinds: tuple[str, ...] = tuple(LAYER_KINDS), named: bool = True
) -> Layer:
    """Layers of every kind, with any fields that the kind has."""
    kind = draw(st.sampled_from(kinds))
    argument, modifiers = KINDS[kind].argument, KINDS[kind].modifiers
    size = sizes() if named else SMALL
    zeros = sizes(0) if named else st.integers(0, 5)
    axes = draw(st.integers(1, 3))
    fields: dict[str, object] = {}
    sized = argument in ("kernel", "sizes")
    if sized or (argument == "optional sizes" and draw(st.booleans())):
        fields["size"] = draw(st.tuples(*[size] * axes))
    elif argument == "factor":
        fields["size"] = draw(per_axis(size, axes))
    elif argument == "number":
        fields["size"] = (draw(size),)
    elif argument == "pads":
        fields["pads"] = draw(per_axis(st.tuples(zeros, zeros), axes))
    elif argument == "opaque":
        fields["size"] = draw(st.tuples(*[size] * (axes + 1)))
        figure = st.none() | st.integers(0, 10**15)
        params, macs = draw(figure), draw(figure)
        biases = draw(st.integers(0, params or 0))
        name = draw(st.sampled_from(("attend", "x.y", "bn_2")))
        fields["opaque"] = Opaque(name, params, macs, biases)
    elif argument == "slice":
        bound = st.one_of(st.none(), st.integers(-5, 5), size)
        fields["bounds"] = draw(st.tuples(bound, bound))
    optional = {
        "s": ("stride", per_axis(size, axes)),
        "d": ("dilation", per_axis(size, axes)),
        "p": ("padding", st.one_of(per_axis(st.tuples(zeros, zeros), axes), st.just("same"))),
        "o": ("output_padding", per_axis(zeros, axes)),
        "g": ("groups", size),
        "@": ("channels", st.builds(Channels, st.sampled_from("=*/"), size)),
        "b": ("bias", st.booleans()),
        "c": ("ceil", st.booleans()),
    }
    for letter in modifiers:
        field, values = optional[letter]
        wanted = kind in ("fc", "linear") and letter == "@"
        if wanted or draw(st.booleans()):
            fields[field] = draw(values)
    if kind in ("fc", "linear"):  # the text cannot leave it away
        channels = draw(size)
        fields["channels"] = Channels("=", channels)
    return Layer(kind, **fields)  # type: ignore[arg-type]


# Networks

PLAIN = (
    Layer("conv", (3, 3), padding=((1, 1),)),
    Layer("conv", (1, 1), channels=Channels("=", 8)),
    Layer("bn"),
    Layer("relu"),
    Layer("scale"),
)


@st.composite
def networks(draw: Callable, most: int = 14) -> Network:
    """Any wiring: values read many times and out of order, shared weights, several outputs."""
    nodes = [Node(INPUT, (), 0)]
    for index in range(1, draw(st.integers(1, most)) + 1):
        earlier = st.integers(0, index - 1)
        recent = st.integers(max(0, index - 3), index - 1)
        source = st.one_of(st.just(index - 1), st.just(index - 1), recent, earlier)
        kind = draw(st.sampled_from(["layer"] * 6 + sorted(MERGES) + ["opaque"]))
        if kind == "layer":
            owners = [i for i, n in enumerate(nodes) if n.weights == i and n.layer in PLAIN]
            owners = [i for i in owners if KINDS[nodes[i].layer.kind].weights != "none"]
            if owners and draw(st.integers(0, 4)) == 0:
                owner = draw(st.sampled_from(owners))
                nodes.append(Node(nodes[owner].layer, (draw(source),), owner))
            else:
                nodes.append(Node(draw(st.sampled_from(PLAIN)), (draw(source),), index))
        elif kind == "opaque":
            inputs = draw(st.lists(source, min_size=1, max_size=3))
            weights, biases = draw(SMALL), draw(st.integers(0, 9))
            figures = Opaque("odd", weights + biases, None, biases)
            layer = Layer("opaque", (4, 7), opaque=figures)
            nodes.append(Node(layer, tuple(inputs), index))
        else:
            most = 2 if kind in LIKE else 3
            inputs = draw(st.lists(source, min_size=2, max_size=most))
            nodes.append(Node(Layer(kind), tuple(inputs), index))
    read = {source for node in nodes for source in node.inputs}
    ends = [i for i in range(1, len(nodes)) if i not in read]
    more = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=2))
    outputs = draw(st.permutations(sorted({*ends, *more} if draw(st.booleans()) else ends)))
    return Network(None, tuple(nodes), tuple(outputs))


# Texts

# The examples of the reference of the language, as they stand there.
EXAMPLES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent / "data" / "examples").glob("*.txt"))
}

# What a text is made of: cut anywhere and put together, it is nearly always wrong, and often nearly
# right.
PIECES = (
    *"0123456789xsdpogb@*/+-,;:|()[]=#\n\t .CHWknSI_",
    *("3x3", "1x1", "7", "kxk", "dw3x3", "convt2x2s2", "conv k", "max2x2s2", "avg2x2s2ceil", "gap"),
    *("gap7x7", "fc@10b", "linear@*4", "bn", "gn32", "relu", "up2", "bilinear(2)", "resize7x7"),
    *("pad1", "crop1x0", "shuffle2", "flatten", "id", "input", "input 3x8x8\n", "output ", "def "),
    *("shared ", "cat(", "mul(", "unused(", "psame", "ceil", "stride=2", "bias", " s2", "p1:0"),
    *("@64", "@*6", "@/2", "@(C//2)", "(K//2)", "3*(", "n*(", "def f(C) = ", "f(64)", "a = ", "a"),
    *(
        "[:2]",
        "[C:]",
        "é",
        "×",
        "\0",
        "\r\n",
        "\u2028",
        "999999999",
        "1234567890",
        "3*3",
        "Conv2d(",
    ),
)
