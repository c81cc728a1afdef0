"""Every network of the zoo has the figures of its reference implementation, to the last digit."""

import csv
from pathlib import Path

import pytest

from convalgebra import zoo
from convalgebra.cost import cost
from convalgebra.cost.receptive_field import receptive_fields
from convalgebra.errors import InputError
from convalgebra.language import parse
from convalgebra.readers import read

from .backwards import seen_by

DATA = Path(__file__).parents[1] / "data"
SPECS = Path(zoo.__file__).parent

with open(DATA / "networks.csv", newline="") as file:
    PUBLISHED = {row["model"]: row for row in csv.DictReader(file)}
assert len(PUBLISHED) == 17

with open(DATA / "torchvision.csv", newline="") as file:
    IN_TORCHVISION = {row["model"] for row in csv.DictReader(file)}

# Parameters as published with the same implementations.
OTHERS = {
    "dcgan_discriminator": 2_765_568,  # of PyTorch's DCGAN example
    "dcgan_generator": 3_576_704,
    "slim_inception_v3": 23_817_352,  # trainable ones of Keras, whose batch norms only shift
    "unet": 31_030_658,
}

# Most of the others differ from one of these in numbers only.
FIRST = PUBLISHED.keys() | OTHERS.keys() | {"c3d", "convnext_tiny", "efficientnet_b1", "wavenet"}
EACH = [pytest.param(name, marks=[] if name in FIRST else pytest.mark.slow) for name in zoo.names()]


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


@pytest.mark.parametrize("name", OTHERS)
def test_params_of_networks_that_are_not_in_the_table(name):
    assert cost(f"zoo:{name}").total.params == OTHERS[name]


# A dilation in place of a stride leaves what a unit sees as it was, and the units denser.
@pytest.mark.parametrize("model", ["fcn", "deeplabv3"])
@pytest.mark.parametrize("depth", [50, 101])
def test_dilated_networks_see_what_strided_ones_see(model, depth):
    dilated = cost(f"zoo:{model}_resnet{depth}", to="layer4").receptive_field.axes
    strided = cost(f"zoo:resnet{depth}", to="layer4").receptive_field.axes
    assert [(axis.size, axis.left) for axis in dilated] == [(a.size, a.left) for a in strided]
    assert [axis.jump for axis in dilated] == [8, 8]
    assert [axis.jump for axis in strided] == [32, 32]


SEGMENTATION = [name for name in zoo.names() if name.startswith(("fcn", "deeplab", "lraspp"))]


@pytest.mark.parametrize("name", SEGMENTATION)
def test_segmentation_gives_back_the_sides_of_any_input(name):
    report = cost(f"zoo:{name}", input="3x257x194")
    assert report.output == (21, 257, 194)
    assert report.assumptions == ()


def test_the_receptive_field_of_wavenet():
    # A causal layer of two taps, then five times dilations of 1 + 2 + .. + 512.
    (axis,) = cost("zoo:wavenet").receptive_field.axes
    assert (axis.size, axis.left, axis.right, axis.jump) == (1 + 1 + 5 * 1023, -5116, 0, 1)


@pytest.mark.parametrize("name", EACH)
def test_a_unit_in_the_middle_sees_what_its_windows_read(name):
    network = read(f"zoo:{name}")
    fields = receptive_fields(network)
    placed = [field.axes is not None and not field.pooled for field in fields]
    last = max(index for index, here in enumerate(placed) if here and network.live[index])
    unit = [side // 2 for side in network.shapes[last][1:]]
    expected = seen_by(network, last, unit, placed)
    axes = fields[last].axes
    assert [axis.seen_by(at) for axis, at in zip(axes, unit, strict=True)] == expected


def test_the_receptive_field_of_inception_v3():
    # "Computing Receptive Fields of Convolutional Neural Networks" (Araujo, Norris, Sim 2019).
    axis = cost("zoo:inception_v3").receptive_field.axes[0]
    assert (axis.size, axis.jump) == (1311, 32)


@pytest.mark.parametrize("name", EACH)
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


@pytest.mark.parametrize("name", EACH)
def test_every_layer_belongs_to_a_named_block(name):
    assert all(layer.block for layer in cost(f"zoo:{name}").layers)


def test_names_are_those_of_the_files():
    assert set(zoo.names()) == {path.stem for path in SPECS.glob("*.txt")}
    assert set(zoo.names()) >= PUBLISHED.keys() | IN_TORCHVISION | OTHERS.keys()


def test_specs_fit_on_80_columns():
    assert max(len(line) for name in zoo.names() for line in zoo.text(name).splitlines()) <= 80


def test_an_unknown_name_is_answered_with_what_is_near():
    with pytest.raises(InputError) as caught:
        zoo.text("Unet3d")
    assert str(caught.value) == (
        "the zoo has no `Unet3d`; did you mean unet? "
        f"`convalgebra zoo` lists its {len(zoo.names())} networks"
    )


@pytest.mark.parametrize("name", ["", "../zoo/resnet50", "resnet50.txt", "RESNET50", "x" * 10_000])
def test_only_names_of_the_zoo_are_opened(name):
    with pytest.raises(InputError) as caught:
        zoo.text(name)
    assert len(str(caught.value)) < 500
