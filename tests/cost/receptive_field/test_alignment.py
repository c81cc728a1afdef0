"""Where branches meet: centres against plain sets, remedies against the network built anew."""

from dataclasses import replace
from fractions import Fraction
from math import lcm

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convalgebra.cost import cost
from convalgebra.cost.receptive_field.alignment import meetings
from convalgebra.cost.receptive_field.fields import receptive_fields
from convalgebra.cost.receptive_field.remedies import findings
from convalgebra.errors import ShapeError
from convalgebra.language import parse
from convalgebra.network import Network, Node

from .graphs import keeping, networks
from .sets_by_loops import doubled_centre, seen_by_all

LENGTH = 96


def centre(seen):
    return Fraction(doubled_centre(seen), 2)


def middle(sets, field, side):
    """The units whose field lies well inside the input."""
    return [
        unit
        for unit, seen in enumerate(sets)
        if field.seen_by(unit) is not None
        and field.seen_by(unit)[0] >= side // 3
        and field.seen_by(unit)[1] < side - side // 3
        and seen
    ]


def read(text):
    try:
        network = parse(text)
        assert network.shapes
    except ShapeError:
        assume(False)
    return network


def check_centres(text):
    network = read(text)
    fields, sets = receptive_fields(network), seen_by_all(network)
    for meeting in meetings(network, fields):
        for branch in meeting.others:
            one, two = (b.axes[0] for b in (branch, meeting.reference))
            seen = sets[branch.source], sets[meeting.reference.source]
            if 1 in map(len, seen):
                continue  # shown at every position
            if branch.verdict == "other jump":
                assert one.jump != two.jump or one.jump is None
                continue
            (offsets,) = branch.offsets
            units = set(middle(seen[0], one, LENGTH)) & set(middle(seen[1], two, LENGTH))
            apart = {unit: centre(seen[0][unit]) - centre(seen[1][unit]) for unit in units}
            if None not in (*one.phases, *two.phases):
                period = lcm(len(one.phases), len(two.phases))
                assert apart == {unit: offsets[unit % period] for unit in units}


@settings(max_examples=40)
@given(networks(LENGTH))
def test_centres_of_branches(text):
    check_centres(text)


@pytest.mark.slow
@settings(max_examples=200)
@given(networks(LENGTH))
def test_centres_of_branches_at_length(text):
    check_centres(text)


def mended(network, remedy):
    """The network with the layers of a remedy, and where its nodes are now."""
    (old,), (new,) = remedy.old, remedy.new
    nodes = list(network.nodes)
    assert nodes[remedy.node].layer == old
    nodes[remedy.node] = nodes[remedy.node]._replace(layer=new)
    return replace(network, nodes=tuple(nodes)), lambda index: index


def put_in(network, remedy, meeting, branch):
    """The network with layers after a node, read by the branch alone."""
    added = len(remedy.new)

    def now(index):
        return index if index <= remedy.node else index + added

    nodes = list(network.nodes[: remedy.node + 1])
    nodes += [
        Node(layer, (remedy.node + at,), remedy.node + 1 + at)
        for at, layer in enumerate(remedy.new)
    ]
    # Of the readers of the node the one that lies on the branch reads what was put in.
    reader = branch
    while reader > remedy.node and remedy.node not in network.nodes[reader].inputs:
        reader = network.nodes[reader].inputs[0]
    reader = meeting if branch == remedy.node else reader
    for index, node in enumerate(network.nodes[remedy.node + 1 :], remedy.node + 1):
        inputs = [now(source) for source in node.inputs]
        if index == reader:
            inputs[remedy.branch - 1 if reader == meeting else 0] = remedy.node + added
        nodes.append(node._replace(inputs=tuple(inputs), weights=now(node.weights)))
    return Network(network.shape, tuple(nodes), tuple(map(now, network.outputs))), now


def check_remedies(branches, before):
    network = read(f"input 1x{LENGTH}; {before}" + " + ".join(f"({b})" for b in branches))
    fields = receptive_fields(network)
    for finding in findings(network, fields, tuple(meetings(network, fields))):
        remedy, meeting, branch = finding.remedy, finding.meeting, finding.branch
        if remedy is None:
            continue
        assert branch.verdict == "off"
        if remedy.old:
            changed, now = mended(network, remedy)
        else:
            end = network.nodes[meeting.node].inputs[remedy.branch - 1]
            changed, now = put_in(network, remedy, meeting.node, end)
        assert changed.shapes[now(meeting.node)] == network.shapes[meeting.node]
        sets = seen_by_all(changed)
        inputs = changed.nodes[now(meeting.node)].inputs
        one, two = (sets[inputs[b.number - 1]] for b in (branch, meeting.reference))
        period = lcm(*(len(b.axes[0].phases) for b in (branch, meeting.reference)))
        first = (len(one) - period) // 2
        units = range(first, first + period)
        if period <= len(one) // 6 and all(one[u] and two[u] for u in units):
            assert sum(centre(one[u]) - centre(two[u]) for u in units) == 0


CASES = (
    st.lists(keeping(depth=1), min_size=2, max_size=3),
    st.sampled_from(["", "2s2, ", "up2, "]),
)


@settings(max_examples=40)
@given(*CASES)
def test_remedies_align(branches, before):
    check_remedies(branches, before)


@pytest.mark.slow
@settings(max_examples=200)
@given(*CASES)
def test_remedies_align_at_length(branches, before):
    check_remedies(branches, before)


def first_finding(text, shape="1x32"):
    report = cost(text, input=shape)
    return report.findings()[0], report


def shown(report):
    return " ".join(str(report).split())


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("3p0:2 + id", "3p0:2", "3p1"),
        ("(5p4:0, relu) + 3p1", "5p4:0", "5p2"),
        ("(3p1, 3p0:2, 3p1) + id", "3p0:2", "3p1"),  # the one that becomes symmetric
        ("2s2, 3p0:2 + id", "3p0:2", "3p1"),
        ("5 + crop0:4", "crop0:4", "crop2"),  # the other branch, where this one has none to give
        ("(max3s2p0:1) + (3s2p1)", "max3s2p0:1", "max3s2p1:0"),
        ("(convt3p2:0) + id", "convt3p2:0", "convt3p1"),
        ("3psame + 5p3:1", "5p3:1", "5p2"),
        ("cat(pad2:0, crop0:2 | id)", "pad2:0", "pad0:2"),
        ("(reflect0:2, 3) + id", "reflect0:2", "reflect1"),
    ],
)
def test_a_layer_with_other_padding(text, old, new):
    _, report = first_finding(text)
    found = report.to_dict()["alignment"]["findings"][0]["remedy"]
    assert (found["old"], found["new"]) == (old, new)
    assert f"{new} in place of {old} (layer {found['at']}) aligns them" in shown(report)


def test_pad_and_crop_where_no_layer_has_padding_to_give():
    # 10 outputs of either on 32 inputs; the centres are 2 and 1.
    finding, report = first_finding("5s3 + 3s3")
    assert finding.branch.means == (1,)
    assert "pad1:0, crop0:1 at the beginning of branch 1 aligns them" in shown(report)
    mended = cost("(pad1:0, crop0:1, 5s3) + 3s3", input="1x32")
    assert mended.meetings()[0].verdict == "aligned"


def test_half_an_input():
    finding, report = first_finding("2p1:0 + id")
    assert finding.branch.means == (Fraction(-1, 2),)
    assert finding.remedy is None
    assert finding.hopeless
    assert "no padding of it aligns them" in shown(report)


def test_a_quarter_of_a_jump_is_mended_before_the_stride():
    # Off by one input at jump 2: a layer at jump 1 has to give.
    finding, _ = first_finding("(3p2:0, 2s2) + (3p1, 2s2)")
    assert finding.branch.means == (1,)
    assert [layer.padding for layer in finding.remedy.new] == [((1, 1),)]


def test_the_branch_that_is_alone_is_the_one_that_is_off():
    finding, _ = first_finding("3p0:2 + 3p1 + 5p2")
    assert (finding.branch.number, finding.meeting.reference.number) == (1, 2)
    finding, _ = first_finding("3p1 + 3p0:2 + id")
    assert (finding.branch.number, finding.meeting.reference.number) == (2, 3)


def test_along_one_axis():
    finding, report = first_finding("(3x3p1x0:2) + id", "1x9x9")
    assert finding.branch.means == (0, 1)
    assert "is off by 0x+1 from" in shown(report)
    assert finding.remedy.new[0].padding == ((1, 1), (1, 1))


def test_branches_at_different_jumps():
    finding, report = first_finding("2s2 + crop8")
    assert finding.branch.verdict == "other jump"
    assert "branch 1, 2s2, moves by 2 a unit, branch 2, crop8, by 1" in shown(report)


def test_branches_whose_parts_drift_apart():
    _, report = first_finding("(2s2) + crop8, 3p0:2 + id")
    said = "branch 1, 3p0:2, moves by 2 and 1 a unit, branch 2, id, by 2 and 1"
    assert said in shown(report)


def test_upsampling_coincides_on_average():
    (meeting,) = cost("(max2s2, up2) + id", input="1x32").meetings()
    assert meeting.verdict == "on average"
    (branch,) = meeting.others
    assert branch.offsets == ((Fraction(1, 2), Fraction(-1, 2)),)


def test_pooled_branches_are_nowhere():
    assert cost("mul(3p1 | gap, 1, sigmoid)", input="1x32").meetings() == ()
    assert cost("3p1, unused(5p2)", input="1x32").meetings() == ()


def test_all_networks_of_the_zoo_are_aligned():
    for name in ("resnet50", "inception_v3", "densenet121", "shufflenet_v2_x1_0"):
        found = cost(f"zoo:{name}").to_dict()["alignment"]
        assert found["aligned"] == found["meetings"] > 0
        assert found["findings"] == []


def test_googlenet_pools_begin_at_the_input():
    # Its ceil-mode pools lie half a window off, alike in all branches.
    assert cost("zoo:googlenet").to_dict()["alignment"]["findings"] == []


def test_names_of_branches():
    text = "a = 3p1; b = 5p2, relu; (3p0:2, relu) + (a, 3p2:0) + b + id"
    report = cost(text, input="1x32")
    one, two = report.to_dict()["alignment"]["findings"]
    assert (one["branch"], one["layers"], one["offset"]) == (1, "3p0:2, relu", [1])
    assert (two["branch"], two["layers"], two["offset"]) == (2, "a, 3p2:0", [-1])
    assert one["reference"] == {"branch": 3, "layers": "b"}
    assert "branch 1, 3p0:2, relu, is off by +1 from branch 3, b;" in shown(report)


@pytest.mark.parametrize(
    "text", ["20*(2p1:0 + id)", "5*((3p0:2) + (3p2:0) + 3p1 + (2p1:0)), (max2s2, up2) + id"]
)
def test_the_branches_that_are_not_shown_are_counted(text):
    report = cost(text, input="1x64")
    verdicts = [finding.branch.verdict for finding in report.findings()]
    off = len(verdicts) - verdicts.count("on average")
    assert shown(report).count("is off by") == 6
    assert f"and {off - 6} more branches: --format json" in shown(report)
