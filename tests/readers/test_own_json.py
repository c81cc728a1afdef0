"""A cost report as JSON reads back, and what is said of JSON that does not."""

from __future__ import annotations

import json

import pytest
from calls import counted

from convalgebra import zoo
from convalgebra.cost import cost
from convalgebra.cost.comparison import compare
from convalgebra.errors import ConvalgebraError
from convalgebra.readers import read
from convalgebra.render.forms import dumps

QUICK = {
    "unet",
    "shufflenet_v2_x1_0",
    "wavenet",
    "googlenet",
    "slim_alexnet_v2",
    "lraspp_mobilenet_v3_large",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in zoo.names()],
)
def test_the_zoo_reads_back(name):
    report = cost(f"zoo:{name}")
    back = read(dumps(report.to_dict()))
    assert back == report.network
    assert cost(back).to_dict() == report.to_dict()


def test_values_and_blocks_keep_their_names(tmp_path):
    path = tmp_path / "resnet50.json"
    path.write_text(dumps(cost("zoo:resnet50").to_dict()))
    for name in ("stem", "layer1"):
        assert cost(path, to=name).to_dict() == cost("zoo:resnet50", to=name).to_dict()
    report, again = cost("zoo:resnet50"), cost(path)
    for unit in ("layer3[0,6]", "layer2/down(128, 2)[0,0]", "layer1/keep(64) #2[3,3]"):
        assert again.unit(unit) == report.unit(unit)
    with pytest.raises(ConvalgebraError, match="nothing is called `value_1`; names are stem, "):
        cost(path, to="value_1")


def test_blocks_of_named_sizes_may_hold_a_slash():
    stack = "def half(K) = 3x3p1@K; stem = half(C//2); half(C//4)"
    report = cost(stack, input="CxHxW")
    back = read(dumps(report.to_dict()))
    assert [node.block for node in back.nodes] == [node.block for node in report.network.nodes]
    assert "/" in back.nodes[1].block[1]


def test_a_report_without_the_keys_of_names():
    figures = cost("zoo:unet").to_dict()
    for layer in figures["layers"]:
        del layer["block"], layer["value"]
    back = read(dumps(figures))
    assert [node.block for node in back.nodes] == [n.block for n in cost("zoo:unet").network.nodes]


@pytest.mark.parametrize(
    "names",
    [
        {"block": 3, "value": None},
        {"block": [3], "value": None},
        {"block": [], "value": 3},
        {"block": ["a\x1b"], "value": None},
        {"block": [], "value": "a" * 1001},
        3,
    ],
)
def test_names_that_cannot_be_are_left_out(names):
    report = {"schema": "convalgebra.cost/1", "network": "a = 3x3@4", "layers": [names]}
    back = read(json.dumps(report))
    assert (back.nodes[1].name, back.nodes[1].block) == ("a", ("a",))


@pytest.mark.parametrize(
    ("stack", "shape"),
    [("kxk@C, relu", "CxHxW"), ("3x3s2p1@(C//2), up2", "Cx(2*H)xW"), ("5@4, fc@2", "1x30")],
)
def test_named_sizes_read_back(stack, shape):
    report = cost(stack, input=shape)
    assert cost(read(dumps(report.to_dict()))).to_dict() == report.to_dict()


def test_two_keys_are_enough(tmp_path):
    path = tmp_path / "net.json"
    path.write_text('{"schema": "convalgebra.cost/1", "network": "3x3@4", "input": [1, 8, 8]}')
    assert cost(path).total.params == cost(str(path)).total.params == 36
    path.write_text('{"schema": "convalgebra.cost/1", "network": "input 1x8x8; 3x3@4"}')
    assert cost(path).total.params == 36


HEAD = '"schema": "convalgebra.cost/1"'
EXPECTED = "expected a JSON object with the schema convalgebra.cost/1, as cost --format json writes"
BAD = {
    "{": "this is not JSON: expecting property name enclosed in double quotes\n  {\n",
    '{"a": 1,}': "this is not JSON: ",
    "{'a': 1}": "this is not JSON: expecting property name enclosed in double quotes\n  {'a': 1}",
    f"{{{HEAD}}} 3": "this is not JSON: extra data\n",
    "{}": f"net.json: {EXPECTED}; it has none",
    "[]": f"net.json: {EXPECTED}; it has none",
    "3": f"net.json: {EXPECTED}; it has none",
    '{"schema": 3}': f"net.json: {EXPECTED}; it has none",
    '{"schema": "other/1"}': f"net.json: {EXPECTED}, not 'other/1'",
    '{"schema": "convalgebra.cost/2"}': f"net.json: {EXPECTED}, not 'convalgebra.cost/2'",
    '{"schema": "convalgebra.comparison/1"}': "net.json: convalgebra.comparison/1 holds several",
    '{"schema": "convalgebra.inventory/1"}': "net.json: convalgebra.inventory/1 holds modules",
    f"{{{HEAD}, {HEAD}}}": "net.json: the key 'schema' stands twice in one object",
    f'{{{HEAD}, "x": {{"a": 1, "a": 1}}}}': "net.json: the key 'a' stands twice in one object",
    f'{{{HEAD}, "x": NaN}}': "net.json: NaN is no number in JSON",
    f"{{{HEAD}}}": "net.json: the key `network` must be a text in the language",
    f'{{{HEAD}, "network": 3}}': "net.json: the key `network` must be a text in the language",
    f'{{{HEAD}, "network": "3x"}}': "expected a size after `x`",
    f'{{{HEAD}, "network": "3x3", "input": 3}}': "net.json: the key `input` must be a list of",
    f'{{{HEAD}, "network": "3x3", "input": []}}': "net.json: the key `input` must be a list of",
    f'{{{HEAD}, "network": "3x3", "input": [true]}}': "net.json: a size of `input` is a whole",
    f'{{{HEAD}, "network": "3x3", "input": [0, 4, 4]}}': "net.json: a size of `input` is a whole",
    f'{{{HEAD}, "network": "3x3", "input": [1e9]}}': "net.json: a size of `input` is a whole",
    f'{{{HEAD}, "network": "3x3", "input": [{10**9}]}}': "net.json: a size of `input` is a whole",
    f'{{{HEAD}, "network": "3x3", "input": [null]}}': "net.json: a size of `input` is a whole",
    f'{{{HEAD}, "network": "3x3", "input": ["C)"]}}': "expected ",
    f'{{{HEAD}, "network": "3x3", "input": ["C)x(H"]}}': "net.json: a size of `input` is a whole",
    f"{{{''.join(f'{chr(34)}{n}{chr(34)}: 0, ' for n in range(10**5))}{HEAD}, {HEAD}}}": (
        "net.json: the key 'schema' stands twice in one object"
    ),
    f'{{{HEAD}, "network": "input 3x4x4; 3x3", "input": [3, 5, 5]}}': (
        "net.json: the key `input` says 3x5x5, and the network begins with input 3x4x4"
    ),
    f'{{{HEAD}, "x": {"9" * 5000}}}': "net.json: a number with too many digits",
    '{"a":' * 10**5: "net.json: JSON nested too deeply",
    '{"a":' + "[" * 10**6: "net.json: JSON nested too deeply",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:50])
def test_what_cannot_be(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.json").write_text(text)
    with counted(100_000), pytest.raises(ConvalgebraError) as caught:
        read("net.json")
    assert str(caught.value).startswith(BAD[text])
    assert len(str(caught.value)) < 500


def test_a_size_that_looks_like_code_is_a_name():
    text = f'{{{HEAD}, "network": "3x3", "input": ["__import__", 4, 4]}}'
    assert read(text).named() == {"__import__"}


def test_a_comparison_says_what_to_do():
    reports = [cost("3x3@8", input="8x9x9"), cost("5x5@8", input="8x9x9")]
    with pytest.raises(ConvalgebraError, match="save one of its `stacks` as a file"):
        read(dumps(compare(reports).to_dict()))
    one = json.dumps(compare(reports).to_dict()["stacks"][1])
    assert read(one) == reports[1].network
