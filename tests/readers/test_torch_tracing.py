"""Live modules: run without numbers, left as they were, and refused with the reason."""

import pytest

import convalgebra as ca

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  (as everybody calls it)
from torch import nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

from .torch_networks import Doing  # noqa: E402

conv = nn.Conv2d(3, 3, 3, padding=1)


def text(module, shape=(3, 16, 16)):
    return str(ca.from_torch(module, shape)).partition("; ")[2]


def test_the_module_is_left_as_it_was():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    ca.from_torch(module, (3, 9, 9))
    assert module.training
    assert all(part.training for part in module)
    assert not module[0]._forward_hooks
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())


class Held:
    """An object of somebody's own with a tensor in it."""

    def __init__(self, tensor):
        self.tensor = tensor


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(3, 1, 1),
        nn.Parameter(torch.ones(3, 1, 1)),
        torch.ones(3, 1, 1, requires_grad=True) * 2,  # PyTorch refuses to copy it
    ],
)
def test_no_numbers_are_read_wherever_a_tensor_is_held(tensor, capsys):
    held = Doing(
        lambda s, x: (print(s.held.tensor.is_meta), x + s.held.tensor)[1],  # a list is put back
        held=Held(tensor),
    )
    assert text(held) == "opaque(add, 3x16x16, 0, 0)"
    assert capsys.readouterr().out == "True\n"
    assert not tensor.is_meta


def test_attributes_of_parameters_are_kept():
    layer = nn.Conv2d(3, 3, 3)
    layer.weight.twice = True
    assert text(Doing(lambda s, x: s.c(s.c(x)) if s.c.weight.twice else x, c=layer)).count("shared")


@pytest.mark.parametrize(
    "moved",
    [
        lambda x: x.cpu(),
        lambda x: x.cuda(0),
        lambda x: x.to("cuda"),
        lambda x: x.to(torch.device("cpu"), torch.float32),
        lambda x: x.to(device="cuda:1"),
        lambda x: x + torch.zeros(3, 1, 1, device="cuda").to(x.device),
    ],
)
def test_moves_between_devices_move_nothing(moved):
    assert text(Doing(lambda s, x: moved(x))) in ("id", "opaque(add, 3x16x16, 0, 0)")


def test_what_torch_export_makes():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    program = torch.export.export(module, (torch.zeros(1, 3, 16, 16),))
    assert text(program.module()) == "3x3@4b, bn, relu"


@torch.library.custom_op("convalgebra_tests::relu", mutates_args=())
def relu_by_name(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@relu_by_name.register_fake
def _(x):
    return torch.empty_like(x)


def test_an_operation_of_somebody_is_not_known_by_its_name():
    written = "opaque(convalgebra_tests_relu, 3x16x16, 0, ?)"
    assert text(Doing(lambda s, x: torch.ops.convalgebra_tests.relu(x))) == written


class Deployed(nn.Module):
    """What is written to in inference mode is followed."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    @torch.inference_mode()
    def forward(self, x):
        x = self.conv(x)
        x[:, :1].relu_()
        return x


def test_inference_mode():
    written = "3x3@3b, opaque(setitem, 3x14x14, 0, 0 | id | [:1], relu)"
    assert text(Deployed()) == written
    with torch.inference_mode():
        assert text(Deployed()) == written


def hooked():
    module = nn.Sequential(nn.Conv2d(3, 3, 3))
    module.register_forward_pre_hook(lambda part, given: (given[0] + 1,))
    module[0].register_forward_hook(lambda part, given, made: made * 2)
    return module


def pruned():
    module = nn.Sequential(nn.Conv2d(3, 8, 3))
    prune.l1_unstructured(module[0], "weight", 0.5)
    return module


@pytest.mark.parametrize(
    ("module", "written"),
    [
        (nn.DataParallel(nn.Conv2d(3, 8, 3)), "3x3@8b"),
        (nn.Conv2d(3, 8, 3).half(), "3x3@8b"),
        (nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last), "3x3@8b"),
        (Doing(lambda s, x: s.d["a"](x), d=nn.ModuleDict({"a": nn.Conv2d(3, 8, 3)})), "3x3@8b"),
        (hooked(), "opaque(add, 3x16x16, 0, 0), 3x3@3b, opaque(mul, 3x14x14, 0, 0)"),
        (pruned(), "3x3@8b"),
        (
            nn.Sequential(torch.nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 8, 3))),
            "opaque(reparametrize, 3x16x16, 0, 224), 3x3@8b",  # u W v, W of 8x27: 216 and 8
        ),
    ],
)
def test_wrappers_hooks_and_formats(module, written):
    assert text(module) == written


def test_complex_numbers():
    module = nn.Conv2d(3, 4, 3, dtype=torch.complex64)
    assert text(module) == "3x3@4b"
    told = "bytes are those of float32; the model holds complex64"
    assert told in ca.cost(module, input=(3, 8, 8)).assumptions


def test_bytes_are_those_of_the_numbers_of_the_module():
    half = nn.Conv2d(3, 4, 3).half()
    numbers = 3 * 64 + (108 + 4) + 4 * 36  # what is read, the weights, what is written
    assert ca.cost(half, input=(3, 8, 8)).total.bytes == 2 * numbers == 896
    assert ca.cost(ca.from_torch(half, (3, 8, 8))).dtype == "float16"
    assert ca.cost(half, input=(3, 8, 8), dtype="float32").total.bytes == 4 * numbers
    assert ca.compare("3x3@4b", half, input=(3, 8, 8)).ratios["bytes"] == (1, 1)


def test_an_image_without_its_batch():
    unbatched = Doing(lambda s, x: s.c(x[0]), c=nn.Conv2d(3, 4, 3))
    assert text(unbatched, (3, 8, 8)) == "3x3@4b"
    assert ca.cost(unbatched, input=(3, 8, 8)).output == (4, 6, 6)


@pytest.mark.parametrize(("mode", "axes"), [("linear", 1), ("bilinear", 2), ("trilinear", 3)])
def test_resizing_on_any_axes(mode, axes):
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1](3, 4, 3)
    shape = (3, 4, 5, 6)[: axes + 1]
    kernel = "x".join("3" * axes)
    module = nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), conv)
    assert text(module, shape) == f"bilinear2, {kernel}@4b"


def test_recurrent_cells_by_hand():
    for cell, gates in ((nn.RNNCell, 1), (nn.GRUCell, 3), (nn.LSTMCell, 4)):
        total = ca.cost(cell(8, 16), input=(8,)).total
        assert total.macs == gates * 16 * (8 + 16)
        assert total.params == gates * 16 * (8 + 16 + 2)


@pytest.mark.parametrize("equation", ["bchw,oc", "bchw,oc->bohw", "bc...,oc->bo..."])
def test_products_by_einsum(equation):
    product = Doing(lambda s, x: torch.einsum(equation, x, s.w), w=nn.Parameter(torch.ones(4, 3)))
    report = ca.cost(product, input=(3, 8, 12))
    assert (report.total.macs, report.total.params) == (4 * 3 * 96, 12)
    assert report.output == ((8, 4, 12) if "->" not in equation else (4, 8, 12))  # bhow


def test_a_pool_of_an_input_without_a_batch():
    pooled = Doing(lambda s, x: F.max_pool2d(x[0, :1], 3, 1, 1))
    assert text(pooled) == "[:1], opaque(max_pool, 16x16, 0, 0)"


def caught(self, x):
    try:
        return self.c(x) if x.sum() > 0 else x
    except RuntimeError:
        return x


@pytest.mark.parametrize(
    ("does", "message"),
    [
        (lambda s, x: s.c(x) if x.sum() > 0 else x, "depends on the numbers in a tensor"),
        (lambda s, x: s.c(x) * x.max().item(), "depends on the numbers in a tensor"),
        (lambda s, x: x[x > 0], "depends on the numbers in a tensor"),
        (lambda s, x: s.c(x) * float(x.numpy().max()), "depends on the numbers in a tensor"),
        (caught, r"does \(test_torch_tracing.py, line \d+\) depends on the numbers in a tensor"),
        (lambda s, x: s.c(x[:, :2]), r"cannot be run on an input of 3x16x16 .* `c`"),
        (lambda s, x: 1 // 0, "PyTorch says ZeroDivisionError"),
        (lambda s, x: 3, "the output of the module holds no tensor"),
        (lambda s, x: s.c.weight, "the output of the module does not depend on the input"),
    ],
)
def test_what_cannot_be_followed_is_refused(does, message):
    with pytest.raises(ca.ConvalgebraError, match=message):
        ca.from_torch(Doing(does, c=conv), (3, 16, 16))


class Two(nn.Module):
    def forward(self, image, mask):
        return image * mask


@pytest.mark.parametrize(
    ("module", "input", "message"),
    [
        (Two(), (3, 9, 9), r"needs 2 arguments \(image, mask\)"),
        (conv, [(3, 9, 9), (1, 9, 9)], "several were given"),
        (conv, {"x": (3, 9, 9)}, r"several were given.* write input=\(3, 224, 224\)"),
        (conv, (1, 3, 9, 9), r"without its batch: write input=\(3, 9, 9\)"),
        (conv, torch.zeros(1, 3, 9, 9), "input is the shape of one image"),
        (conv, "3xHxW", "has named sizes; give numbers"),
        (conv, None, "a module does not tell its input"),
        (conv, 3, "an input shape is channels and sizes, all at least 1, not 3"),
        (conv, (3, 0, 9), "all at least 1"),
        ("3x3", (3, 9, 9), "expected a torch.nn.Module, not str"),
    ],
)
def test_what_is_no_module_with_one_image(module, input, message):
    with pytest.raises(ca.ConvalgebraError, match=message):
        ca.from_torch(module, input)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_modules_are_refused():
    with pytest.raises(ca.ConvalgebraError, match="compiled by TorchScript"):
        ca.from_torch(torch.jit.script(nn.Sequential(conv)), (3, 9, 9))


def test_a_lock_cannot_be_put_back():
    import threading

    with pytest.raises(ca.ConvalgebraError, match=r"take away the attribute that says .*lock"):
        ca.from_torch(Doing(lambda s, x: x, lock=threading.Lock()), (3, 9, 9))
