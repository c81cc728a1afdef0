"""Every network of the zoo has the figures of its reference implementation, to the last digit."""

import csv
from pathlib import Path

import pytest

from convalgebra import zoo
from convalgebra.cost import cost
from convalgebra.errors import InputError
from convalgebra.language import parse
from convalgebra.readers import read

DATA = Path(__file__).parents[1] / "data"
SPECS = Path(zoo.__file__).parent

with open(DATA / "networks.csv", newline="") as file:
    PUBLISHED = {row["model"]: row for row in csv.DictReader(file)}
assert len(PUBLISHED) == 17

# Parameters and MACs as published with the same implementations.
OTHERS = {
    "efficientnet_b0": (5_288_548, 385_814_752),
    "shufflenet_v2_x1_0": (2_278_604, 144_907_992),
    "unet": (31_030_658, None),
}


@pytest.mark.parametrize("row", PUBLISHED.values(), ids=PUBLISHED)
def test_the_published_figures(row):
    report = cost(f"zoo:{row['model']}")
    total = report.total
    assert report.input == (3, int(row["input"]), int(row["input"]))
    assert (total.params, total.macs) == (int(row["params"]), int(row["macs"]))
    assert total.conv_outputs == int(row["conv_outputs"])
    assert report.output == (1000,)
    assert report.assumptions == ()


SEEN = {name: row for name, row in PUBLISHED.items() if row["rf_size"]}


@pytest.mark.parametrize("row", SEEN.values(), ids=SEEN)
def test_the_published_receptive_field(row):
    expected = tuple(int(row[f"rf_{key}"]) for key in ("size", "jump", "padding"))
    field = cost(f"zoo:{row['model']}").receptive_field
    assert field.is_global
    for axis in field.axes:
        assert (axis.size, axis.jump, -axis.left) == expected


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_figures_of_networks_that_are_not_in_the_table(name):
    params, macs = OTHERS[name]
    total = cost(f"zoo:{name}").total
    assert total.params == params
    assert macs is None or total.macs == macs


def test_the_receptive_field_of_inception_v3():
    # "Computing Receptive Fields of Convolutional Neural Networks" (Araujo, Norris, Sim 2019).
    axis = cost("zoo:inception_v3").receptive_field.axes[0]
    assert (axis.size, axis.jump) == (1311, 32)


@pytest.mark.parametrize("name", zoo.names())
def test_canonical_text_parses_back(name):
    network = read(f"zoo:{name}")
    assert parse(str(network)) == network


@pytest.mark.parametrize("name", zoo.names())
def test_a_spec_is_short_and_says_what_it_is(name):
    lines = zoo.text(name).splitlines()
    assert len(lines) < 50
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("# ")
    assert zoo.text(name).isascii()


@pytest.mark.parametrize("name", zoo.names())
def test_every_layer_belongs_to_a_named_block(name):
    assert all(layer.block for layer in cost(f"zoo:{name}").layers)


def test_names_are_those_of_the_files():
    assert set(zoo.names()) == {path.stem for path in SPECS.glob("*.txt")}
    assert set(zoo.names()) == PUBLISHED.keys() | OTHERS.keys()


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError) as caught:
        zoo.text("resnet51")
    wanted = "the zoo has no `resnet51`; did you mean resnet50? it has\n  alexnet, densenet121, "
    assert str(caught.value).startswith(wanted)
    assert "vgg16, vgg16_bn, vgg19, wide_resnet50_2" in str(caught.value)


@pytest.mark.parametrize("name", ["", "../zoo/resnet50", "resnet50.txt", "RESNET50", "x" * 10_000])
def test_only_names_of_the_zoo_are_opened(name):
    with pytest.raises(InputError) as caught:
        zoo.text(name)
    assert len(str(caught.value)) < 500
