"""ONNX files: params, sizes left open, recognition, and agreement with the reader of modules."""

import io
import subprocess
import sys
import warnings

import pytest

import convalgebra as ca
from convalgebra.readers.onnx_file import read, read_on, recognises

onnx = pytest.importorskip("onnx")

from onnx import TensorProto  # noqa: E402

from .onnx_files import B, W, ints, model, tensor  # noqa: E402
from .test_onnx_hostile import HOSTILE  # noqa: E402


def text(content, input=None):
    return str(read_on(content, "m.onnx", input)).partition("; ")[2]


def test_params_are_the_elements_of_the_initializers_that_are_used():
    nodes = [("Conv", "x w b", "a", {}), ("Conv", "a v b", "c", {}), ("Mul", "c two", "y", {})]
    stored = [W, B, tensor("v", 8, 8, 1, 1), tensor("two", values=[2.0]), tensor("never", 99)]
    report = ca.cost(read(model(nodes, stored), "m.onnx"))
    assert report.total.params == 8 * 27 + 8 + 64  # the bias of both convolutions once
    assert report.receptive_field.axes[0].size == 3


def test_weights_used_twice():
    square = tensor("w", 3, 3, 3, 3)
    around = {"pads": [1, 1, 1, 1]}
    twice = [("Conv", "x w", "a", around), ("Relu", "a", "b", {}), ("Conv", "b w", "y", around)]
    written = "shared shared_1 = 3x3p1@3; shared_1, relu, shared_1"
    assert text(model(twice, [square])) == written


def test_sizes_left_open_are_named():
    nodes = [
        ("Conv", "x w", "a", {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("Shape", "x", "s", {}),
        ("Slice", "s two four", "t", {}),
        ("Concat", "n t", "sizes", {"axis": 0}),
        ("Resize", "a e e sizes", "y", {"mode": "nearest"}),
    ]
    stored = [W, ints("two", 2), ints("four", 4), ints("n", 1, 8), tensor("e", 0)]
    content = model(nodes, stored, shape=("batch", 3, "height", None))
    network = read(content, "m.onnx")
    assert [str(size) for size in network.shape] == ["3", "height", "W"]
    assert [str(size) for size in ca.cost(network).output] == ["8", "height", "W"]
    assert text(content, (3, 32, 48)) == "3x3s2p1@8, up2"
    with pytest.raises(ca.ConvalgebraError, match=r"made for an input of 3xheightx\?"):
        read_on(content, "m.onnx", (4, 32, 48))


def test_data_outside_the_file_is_never_read(tmp_path):
    outside = tensor("w", 8, 3, 3, 3)
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "/etc/passwd"), ("offset", "0"), ("length", "864")):
        outside.external_data.add(key=key, value=value)
    path = tmp_path / "model.onnx"
    path.write_bytes(model([("Conv", "x w", "y", {})], [outside]))
    assert ca.cost(ca.from_onnx(path)).total.params == 216


def test_recognised_by_content(tmp_path):
    content = model([("Relu", "x", "y", {})])
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    assert recognises(content, "model.bin")
    assert str(ca.parse(path)) == "input 3x16x16; relu"
    with pytest.raises(ca.ConvalgebraError, match="the graph is made for an input of 3x16x16"):
        ca.parse(path, "3x9x9")


def run(path, *options):
    command = [sys.executable, "-m", "convalgebra", "cost", "--layers", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command_line(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(model([("Conv", "x w", "y", {})], [W], shape=("n", 3, "h", "w_")))
    assert "216" in run(path, "--input", "3x32x32").stdout
    path.write_bytes(path.read_bytes()[:-40])
    done = run(path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("control flow", "holds a graph of its own"),
        ("two inputs", "export a model that takes the image alone"),
        ("a batch of 4", "Export it for a batch of 1"),
    ],
)
def test_the_command_line_refuses(tmp_path, name, message):
    path = tmp_path / "m.onnx"
    path.write_bytes(HOSTILE[name][0])
    done = run(path, "--input", "3x8x8")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in " ".join(done.stderr.split())


def test_torch_is_not_imported(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(model([("Conv", "x w", "y", {})], [W]))
    code = "import sys, convalgebra as ca; ca.from_onnx(sys.argv[1])"
    code += "; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def exported(module, shape, **options):
    torch = pytest.importorskip("torch")
    for tensor_ in [*module.parameters(), *module.buffers()]:
        if tensor_.is_floating_point():  # equal weights would be stored once
            torch.nn.init.uniform_(tensor_, 0.1, 1)
    with warnings.catch_warnings(), io.BytesIO() as file:
        warnings.simplefilter("ignore")
        image = torch.zeros(1, *shape)
        torch.onnx.export(module.eval(), (image,), file, dynamo=False, **options)
        return file.getvalue()


NETWORKS = ["resnet18", "MobileNetV2", "ShuffleNetV2", "DenseNet121", "ConvNeXt", "UNet"]


@pytest.mark.parametrize("name", NETWORKS)
def test_exported_networks_agree_with_their_modules(name):
    pytest.importorskip("torch")
    from . import torch_networks as known

    module = known.resnet((2, 2, 2, 2), False) if name == "resnet18" else getattr(known, name)()
    shape = (3, 64, 64)
    wanted = ca.cost(module, input=shape)
    report = ca.cost(read(exported(module, shape), "m.onnx"))
    assert report.total.macs == wanted.total.macs
    assert report.output == wanted.output
    assert report.receptive_field.axes == wanted.receptive_field.axes
    assert (report.status, wanted.status) == ("complete", "complete")
    # The exporter folds batch norms behind convolutions: 2 params a channel become a bias.
    lost = wanted.total.params - report.total.params
    norms = sum(node.layer.kind == "bn" for node in ca.from_torch(module, shape).nodes)
    assert (lost > 0) == (norms > 0)
