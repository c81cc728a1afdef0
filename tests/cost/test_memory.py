"""The peak of live values, what is kept, and what training takes."""

from collections import Counter
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convalgebra import zoo
from convalgebra.cost import cost
from convalgebra.cost.dtypes import BYTES
from convalgebra.cost.memory import STATES, memory_of
from convalgebra.errors import ConvalgebraError, InputError
from convalgebra.layers import Channels, Layer
from convalgebra.network import INPUT, Network, Node
from convalgebra.readers import read
from convalgebra.sizes import at, symbol

C, H, N = (symbol(name) for name in "CHN")


def memory(text, shape="4x8x8", **options):
    return cost(text, input=shape, **options).memory


def allocated(network):
    """The first node at which most numbers are allocated, how many, and how many in all.

    Memory is handed out and given back as by a program that counts references: a value has one for
    each time that it will be read, one for each time that it is an output, and a view refers to
    what it is a view of.
    """
    runs, waiting = set(), list(network.outputs)
    while waiting:
        index = waiting.pop()
        if index not in runs:
            runs.add(index)
            waiting += reads(network.nodes[index])
    references = Counter(network.outputs)
    for index in runs:
        references.update(reads(network.nodes[index]))
    heap, storage = {}, {}
    most = where = total = 0

    def give_back(index):
        place = storage[index]
        heap[place][1] -= 1
        if heap[place][1] == 0:
            del heap[place]

    for index, node in enumerate(network.nodes):
        if index not in runs:
            continue
        if node.layer.kind in ("flatten", "dropout", "unused"):
            storage[index] = storage[node.inputs[0]]
            heap[storage[index]][1] += references[index]
        else:
            size = prod(network.shapes[index])
            storage[index], heap[index] = index, [size, references[index]]
            total += size
        now = sum(size for size, _ in heap.values())
        if now > most:
            most, where = now, index
        for source in reads(node):
            give_back(source)
    return where, most, total


FIRST_ALONE = ("unused", "resizelike", "bilinearlike")


def reads(node):
    return node.inputs[:1] if node.layer.kind in FIRST_ALONE else node.inputs


def check(network):
    found = memory_of(network, 0, 1)
    where, most, total = allocated(network)
    assert (found.peak, found.kept) == (most, total)
    (layer,) = found.peak_layers
    assert layer.split("/")[-1] == (str(where) if where else "input")


KINDS = ["conv", "relu", "dropout", "add", "cat", "slice", "unused", "resizelike"]


@st.composite
def networks(draw):
    """Values read many times, views of views, slices, heads that do not run, several outputs."""
    nodes, channels = [Node(INPUT, (), 0)], [4]
    for index in range(1, draw(st.integers(1, 16)) + 1):
        one = draw(st.sampled_from([index - 1, draw(st.integers(0, index - 1))]))
        kind = draw(st.sampled_from(KINDS))
        alike = [i for i in range(index) if channels[i] == channels[one]]
        if kind == "conv":
            out = draw(st.integers(1, 9))
            layer, inputs = Layer("conv", (1, 1), channels=Channels("=", out)), (one,)
        elif kind == "slice":
            out = draw(st.integers(1, channels[one]))
            layer, inputs = Layer("slice", bounds=(0, out)), (one,)
        elif kind in ("add", "cat", "unused", "resizelike"):
            other = draw(st.sampled_from(alike if kind == "add" else range(index)))
            out = channels[one] + channels[other] if kind == "cat" else channels[one]
            layer, inputs = Layer(kind), (one, other)
        else:
            out, layer, inputs = channels[one], Layer(kind), (one,)
        nodes.append(Node(layer, inputs, index))
        channels.append(out)
    read_somewhere = {source for node in nodes for source in node.inputs}
    ends = [index for index in range(len(nodes)) if index not in read_somewhere]
    more = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=2))
    return Network((4, 2, 2), tuple(nodes), tuple(dict.fromkeys([*ends, *more])))


@given(networks())
def test_random_networks_by_counting_references(network):
    check(network)


@pytest.mark.parametrize("name", zoo.names())
def test_the_zoo_by_counting_references(name):
    check(read(f"zoo:{name}"))


def test_a_chain_by_hand():
    # 64 numbers come in, then 256, 256 and 64: most at relu, which reads 256 and writes 256.
    found = memory("3x3p1@4, relu, 1x1@1", "1x8x8")
    assert (found.peak, found.peak_layers) == (4 * 512, ("2",))
    assert (found.kept, found.weights) == (4 * (64 + 256 + 256 + 64), 4 * 40)


def test_a_residual_block_by_hand():
    # Each value is 256 numbers. What goes around the block is there all the time: with the second
    # layer there are three, and two more make it no more than three.
    assert memory("(3x3p1, relu, 3x3p1, bn) + id").peak == 4 * 3 * 256
    assert memory("(3x3p1, relu, 3x3p1, bn) + id").peak_layers == ("2",)
    assert memory("3x3p1, relu, 3x3p1, bn").peak == 4 * 2 * 256
    # A sum of three branches: two wait while the third has an input and an output, the input.
    assert memory("3x3p1 + 1x1 + bn").peak == 4 * 4 * 256


def test_a_u_net_by_hand():
    # At the last meeting 64 channels from the encoder, 64 from below and their 128 together.
    found = cost("zoo:unet").memory
    assert found.peak == 4 * (64 + 64 + 128) * 512 * 512
    assert found.peak_layers == ("d1/44",)


def test_branches_run_in_the_order_of_the_text():
    # The large branch first: its 4 values wait while the other runs; else the input waits.
    assert memory("cat(1x1@16 | 1x1@1)").peak == 4 * 64 * (16 + 1 + 17)
    assert memory("cat(1x1@16, 1x1@1 | 1x1@16, 1x1@1)").peak == 4 * 64 * (1 + 16 + 4)


def test_views_take_nothing():
    chain = memory("relu, fc@9", "64")
    assert memory("relu, dropout, flatten, fc@9", "64") == chain._replace(
        peak_layers=memory("relu, dropout, flatten, fc@9", "64").peak_layers
    )
    # What a view is of stays while the view is read.
    assert memory("a = dropout; b = relu, relu; a + b").peak == 4 * 3 * 256


def test_what_is_unused_does_not_run_but_its_weights_are_there():
    plain, headed = memory("relu, relu"), memory("relu, unused(1x1@99b), relu")
    assert (plain.peak, plain.kept) == (headed.peak, headed.kept)
    assert headed.weights == 4 * (4 * 99 + 99)


def test_outputs_stay_to_the_end():
    assert memory("relu, relu, relu").peak == 4 * 2 * 256
    assert memory("a = relu; b = relu; c = relu; output a | c").peak == 4 * 3 * 256


def test_a_network_of_nothing():
    assert memory("id") == (1024, ("input",), 1024, 0, "", ())


@pytest.mark.parametrize("dtype", BYTES)
def test_bytes_of_every_kind_of_number(dtype):
    report, numbers = cost("zoo:squeezenet1_1", dtype=dtype), cost("zoo:squeezenet1_1")
    for one, other in (
        (report.memory.peak, numbers.memory.peak),
        (report.memory.kept, numbers.memory.kept),
        (report.memory.weights, numbers.memory.weights),
        (report.total.bytes, numbers.total.bytes),
    ):
        assert one * 4 == other * BYTES[dtype]
    assert (report.dtype, report.total.flops) == (dtype, numbers.total.flops)


def test_an_unknown_kind_of_number():
    with pytest.raises(InputError, match="no dtype `float33`; there are float64, float32,"):
        cost("3x3", input="1x9x9", dtype="float33")


@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_a_batch_shares_its_weights(batch):
    text = "3x3p1@8b, bn, relu, max2x2s2, (1x1@8, bn) + id, flatten, fc@10b"
    one, many = cost(text, input="4x8x8"), cost(text, input="4x8x8", batch=batch)
    for key in ("macs", "macs_exact", "flops", "activations", "conv_outputs"):
        assert getattr(many.total, key) == batch * getattr(one.total, key)
    assert many.total.params == one.total.params
    assert many.receptive_field == one.receptive_field
    assert many.memory.peak == batch * one.memory.peak
    assert many.memory.kept == batch * one.memory.kept
    assert many.memory.weights == one.memory.weights
    weights_read = 4 * one.total.params  # no weight is read twice here
    assert many.total.bytes - weights_read == batch * (one.total.bytes - weights_read)
    named = cost(text, input="4x8x8", batch="N")
    assert at(named.total.bytes, {"N": batch}) == many.total.bytes
    assert at(named.memory.peak, {"N": batch}) == many.memory.peak
    assert named.memory.peak_layers == many.memory.peak_layers
    assert cost(text, input="4x8x8", batch="N", at={"N": batch}).total == many.total


@pytest.mark.parametrize("batch", ["0", "2x2", "0x", "N-N", "", "1.5", -1, 0, 2.5])
def test_no_batch(batch):
    with pytest.raises(InputError, match=f"a batch is a number of inputs, .* not {batch}$"):
        cost("3x3", input="1x9x9", batch=batch)


def test_flops_a_byte():
    report = cost("1x1@8, flatten", input="4x4x4")
    # 2*8*4*16 FLOPs; 64 numbers in, 32 weights, 128 out.
    assert report.total.intensity * 4 * (64 + 32 + 128) == 2 * 8 * 4 * 16
    assert report.layers[0].intensity == report.total.intensity
    assert report.layers[1].intensity is None
    assert cost("id", input="4x4x4").total.intensity is None
    named = cost("1x1@C", input="CxHxH", at={"H": 1}, batch="N", dtype="float16").total
    # 2 N C^2 FLOPs; C N numbers in, C^2 weights, C N out, 2 bytes each.
    assert named.intensity == C * N / (2 * N + C)
    assert named.to_dict()["intensity"] == "C*N/(C + 2*N)"


@pytest.mark.parametrize(("optimizer", "times"), [("sgd", 2), ("momentum", 3), ("adam", 4)])
def test_training(optimizer, times):
    report = cost("zoo:resnet18", training=optimizer, batch=2)
    training = report.training
    assert training.total == 4 * times * 11_689_512 + report.memory.kept
    assert training.weights == training.gradients == 4 * 11_689_512
    assert training.kept == report.memory.kept == 4 * 2 * allocated(report.network)[2]
    shown = report.to_dict()["memory"]["training"]
    assert shown["optimizer"] == optimizer
    assert shown["total"] == sum(shown[key] for key in ("weights", "gradients", "state", "kept"))


def test_an_unknown_optimizer():
    assert set(STATES) == {"sgd", "momentum", "adam"}
    with pytest.raises(InputError, match="no optimizer `lion`; there are sgd, momentum, adam"):
        cost("3x3", input="1x9x9", training="lion")


def test_formulas():
    assert memory("3x3p1, relu", "CxHxH").peak == 8 * C * H**2
    assert memory("(3x3p1, relu, 3x3p1) + id", "CxHxH").peak == 12 * C * H**2
    # Either the wide middle or the two at the end is larger, as C is.
    either = memory("1x1@32, 1x1@C, 1x1@C", "CxHxH")
    assert at(either.peak, {"C": 8, "H": 5}) == 4 * 25 * 40
    assert at(either.peak, {"C": 64, "H": 5}) == 4 * 25 * 128
    assert sorted(either.peak_layers) == ["1", "3"]


@pytest.mark.parametrize(
    "text",
    [
        "3x3@C, relu, 1x1@16, 3x3p1@C, bn",
        "a = 3x3@8; b = 1x1@C, relu; cat(a | b), 1x1@4",
        "max2x2s2, (1x1@(2C), 1x1@C) + id, up2",
    ],
)
def test_formulas_at_numbers(text):
    named = memory(text, "CxHxW")
    for channels in (1, 3, 8, 40):
        for side in (3, 8, 21):
            values = {"C": channels, "H": side, "W": 2 * side}
            numbers = cost(text, input="CxHxW", at=values).memory
            assert at(named.peak, values) == numbers.peak
            assert at(named.kept, values) == numbers.kept


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("resnet18", "3xHxW"),
        ("resnet50", "3xHxH"),
        pytest.param("mobilenet_v2", "3xHxW", marks=pytest.mark.slow),
        ("vgg16", "3xHxH"),
        ("alexnet", "3xHxH"),
        ("unet", "1xHxW"),
        pytest.param("inception_v3", "3xHxH", marks=pytest.mark.slow),
    ],
)
def test_the_peak_of_deep_networks_with_named_sides(name, shape):
    report = cost(f"zoo:{name}", input=shape, batch="N")
    found = report.memory
    assert found.peak is not None
    assert not {"N"} & {name for name, _ in found.least}
    start = max([1, *(number for _, number in report.least), *(n for _, n in found.least)])
    tried = 0
    for more in (0, 1, 2, 3, 5, 8, 13, 16, 32, 33, 63, 161, 224):
        # 7 divides H//32 for VGG, 6 divides (H + 1)//32 - 1 for AlexNet, and so on.
        side = start + more
        values = {"H": side, "N": 3} | ({"W": side + 7 * more} if "W" in shape else {})
        try:
            numbers = cost(f"zoo:{name}", input=shape, batch="N", at=values).memory
        except ConvalgebraError:
            continue
        assert at(found.peak, values) == numbers.peak
        assert numbers.peak_layers == found.peak_layers
        tried += 1
    assert tried >= 2


def test_from_where_on_the_peak_is_that_is_told():
    report = cost("zoo:resnet18", input="3xHxW")
    assert report.memory.least == (("H", 7), ("W", 7))
    assert report.to_dict()["memory"]["peak_least"] == {"H": 7, "W": 7}
    assert "at the peak in bn (stem/2) for H >= 7 and W >= 7;" in " ".join(str(report).split())
    # Of 5 x 5 the last layers are the largest: they do not get smaller.
    small = {"H": 5, "W": 5}
    assert cost("zoo:resnet18", input="3xHxW", at=small).memory.peak > at(report.memory.peak, small)


def test_a_peak_that_is_not_known_says_why():
    report = cost("1x1@C, 1x1@9, 1x1@N, 1x1@k, 1x1@C, 1x1@W, 1x1@9", input="9xHxH")
    found = report.memory
    assert (found.peak, found.peak_layers) == (None, ())
    reason = "which sum is the largest was not decided, numbers for names (--at) would do it"
    assert found.reason == reason
    shown = report.to_dict()["memory"]
    assert (shown["peak"], shown["reason"]) == (None, found.reason)
    assert "memory      not known at the peak: which sum" in str(report)
