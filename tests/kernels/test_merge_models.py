"""Stacks read from models: which arrays are theirs, and what PyTorch makes of them."""

import numpy as np
import pytest

import convalgebra as ca
from convalgebra.errors import ConvalgebraError, InputError, UnsupportedError
from convalgebra.kernels.merging import parameter_table

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402, N812  (as everybody calls it)
from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

SHAPE = (4, 9, 9)


class Two(nn.Module):
    """`b` is registered before `a`; `run` says what happens."""

    def __init__(self, run):
        super().__init__()
        torch.manual_seed(1)
        self.b = nn.Conv2d(4, 4, 3, bias=False)
        self.a = nn.Conv2d(4, 4, 3, bias=False)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def after(model, report):
    """The largest difference between a model and its merged convolution, as PyTorch runs both."""
    x = torch.rand(1, *SHAPE, dtype=torch.float64) * 2 - 1
    weight, bias = (
        None if array is None else torch.tensor(np.asarray(array, dtype=float))
        for array in (report.weight, report.bias)
    )
    around = [n for pair in reversed(report.padding) for n in pair]
    with torch.no_grad():
        merged = F.conv2d(
            F.pad(x, around), weight, bias, report.stride, 0, report.dilation, report.groups
        )
        return float((merged - model.double().eval()(x)).abs().max())


def test_the_eps_of_a_module():
    model = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8, eps=1e-3))
    torch.manual_seed(0)
    model[1].running_var.uniform_(1e-4, 1e-2)
    model[1].running_mean.normal_()
    network = ca.from_torch(model, SHAPE)
    report = ca.merge(network, model.double().eval().state_dict())
    assert after(model, report) < 1e-12
    assert not any("eps" in note for note in report.notes)  # it is known
    other = ca.merge(network, model.state_dict(), eps=1e-5)
    assert after(model, other) > 1
    assert other.notes == ("`bn(1e-3)`: eps 1e-05, as given with the weights, not its 0.001",)


def test_the_eps_that_a_text_does_not_say_is_said():
    state = {"0.weight": [[[1]]], "1.weight": [1], "1.bias": [0], "1.running_mean": [0]}
    state["1.running_var"] = [1]
    assert "`bn`: eps 1e-5, the notation's default" in ca.merge("1, bn", state, channels=1).notes
    for stated in ({"eps": 1e-5}, {"weights": {**state, "1.eps": 1e-5}}):
        report = ca.merge("1, bn", **{"weights": state, **stated}, channels=1)
        assert not any("default" in note for note in report.notes)
    # 1/sqrt(1 + 3) is 1/2, without rounding.
    report = ca.merge("1, bn(3.0)", state, channels=1)
    assert report.weight.tolist() == [[[1 / 2]]]
    assert report.exact_numbers
    assert report.notes == ()


def test_names_decide_and_not_the_order():
    model = Two(lambda self, x: self.b(self.a(x)))
    network = ca.from_torch(model, SHAPE)
    assert [p.label for p in parameter_table(network)] == ["a.weight", "b.weight"]
    state = model.state_dict()
    ways = [
        state,
        dict(reversed(state.items())),
        {f"module.{name}": array for name, array in state.items()},
        {**state, "head.weight": torch.zeros(3)},
    ]
    for weights in ways:
        assert after(model, ca.merge(network, weights)) < 1e-5
    assert after(model, ca.merge(model, input=SHAPE)) < 1e-12
    assert after(model, ca.merge(model, model.state_dict(), input="4x9x9")) < 1e-12


def test_a_list_in_the_order_of_the_model():
    model = Two(lambda self, x: self.b(self.a(x))).double()
    with pytest.raises(InputError, match=r"another order \(b.weight, a.weight\)"):
        ca.merge(ca.from_torch(model, SHAPE), list(model.state_dict().values()))
    model = Two(lambda self, x: self.a(self.b(x))).double()
    report = ca.merge(ca.from_torch(model, SHAPE), list(model.state_dict().values()))
    assert after(model, report) < 1e-12
    assert report.by_order.startswith("`b.weight` is array 1 (4x4x3x3), `a.weight` is array 2")


def test_a_list_for_a_text_says_which_is_which():
    kernels = [[[[1, 2, 1]]], [[[1, -1]]]]
    report = ca.merge("3p1, 2", kernels)
    assert report.by_order == "`0.weight` is array 1 (1x1x3), `1.weight` is array 2 (1x1x2)"
    assert report.by_order in " ".join(str(report).split())
    assert report.to_dict()["by_order"] == report.by_order
    assert "only their order" in ca.merge("3, 3", [kernels[0]] * 2).by_order
    named = ca.merge("3p1, 2", {"0.weight": kernels[0], "1.weight": kernels[1]})
    assert named.by_order == ""
    assert named.to_dict()["by_order"] is None


def test_numbered_modules_that_run_the_other_way_round():
    class Body(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Identity(), nn.Conv2d(4, 4, 3))

        def forward(self, x):
            return self.body[0](self.body[2](x))

    model = Body().double()
    network = ca.from_torch(model, SHAPE)
    for weights in (model.state_dict(), model.body.state_dict()):
        assert after(model, ca.merge(network, weights)) < 1e-12
    # The numbers of the layers, 0 and 1, are not those of the modules: neither is guessed.
    numbers = {f"{n}.{role}": np.zeros((4, 4, 3, 3)) for n in (0, 1) for role in ("weight",)}
    numbers |= {f"{n}.bias": np.zeros(4) for n in (0, 1)}
    with pytest.raises(InputError, match=r"do not hold `body.2.weight`"):
        ca.merge(network, numbers)


def test_a_state_that_fits_twice_is_refused():
    model = Two(lambda self, x: self.b(self.a(x)))
    state = model.state_dict()
    twice = {f"{part}.{name}": array for part in ("one", "two") for name, array in state.items()}
    with pytest.raises(InputError, match=r"could be each of one.a.weight, two.a.weight"):
        ca.merge(ca.from_torch(model, SHAPE), twice)


COMPUTED = {
    "flip": lambda w: w.flip(2, 3),
    "half": lambda w: w * 0.5,
    "negated": lambda w: -w,
    "plus nothing": lambda w: w + 0,
    "turned": lambda w: w.transpose(0, 1),
    "turned twice": lambda w: w.mT.mT,
    "masked": lambda w: w * (torch.arange(3) < 2),
    "standardized": lambda w: (w - w.mean()) / w.std(),
    "rounded": lambda w: w.half().double(),
    "sorted": lambda w: w[[1, 0, 2, 3]],
    "rolled": lambda w: w.roll(1, 0),
    "moved": lambda w: w.permute(0, 1, 3, 2),
    "clamped": lambda w: w.clamp(-0.01, 0.01),
    "normalized": F.normalize,
    "through a matrix": lambda w: w.view(4, 36).t().reshape(4, 4, 3, 3),
    "bits": lambda w: w.view(torch.int64).view(torch.float64),
    "absolute": torch.abs,
    "written to": lambda w: w.detach().clone().mul_(2),
}
SAME = {
    "as it is": lambda w: w,
    "contiguous": lambda w: w.contiguous(),
    "copied": lambda w: w.clone().detach(),
    "reshaped": lambda w: w.view(4, -1).reshape(-1).unflatten(0, (4, 4, 3, 3)),
    "squeezed": lambda w: w.unsqueeze(0).squeeze(0),
    "of its own type": lambda w: w.to(torch.float64),
}


@pytest.mark.parametrize("how", COMPUTED)
def test_computed_weights_are_not_the_parameter(how):
    model = Two(lambda self, x: F.conv2d(self.b(x), COMPUTED[how](self.a.weight))).double()
    network = ca.from_torch(model, SHAPE)
    assert ca.cost(network).total.params == 2 * 144  # they cost what they cost
    for weights in (model.state_dict(), list(model.state_dict().values())):
        with pytest.raises(UnsupportedError, match=r"layer 2 \(`3x3@4`\) does not take its weight"):
            ca.merge(network, weights)
    with torch.no_grad():
        own = [model.b.weight, COMPUTED[how](model.a.weight)]
    assert after(model, ca.merge(str(network), own)) < 1e-12


@pytest.mark.parametrize("how", SAME)
def test_views_in_the_same_order_are_the_parameter(how):
    model = Two(lambda self, x: F.conv2d(self.b(x), SAME[how](self.a.weight))).double()
    assert after(model, ca.merge(ca.from_torch(model, SHAPE), model.state_dict())) < 1e-12


def test_a_parameter_that_is_written_to():
    def run(self, x):
        with torch.no_grad():
            self.a.weight.mul_(2)
        return self.a(self.b(x))

    model = Two(run).double()
    with pytest.raises(UnsupportedError, match="computes it"):
        ca.merge(ca.from_torch(model, SHAPE), model.state_dict())


def test_reparametrized_modules():
    torch.manual_seed(0)
    pruned = nn.Conv2d(4, 4, 3)
    prune.random_unstructured(pruned, "weight", 0.5)
    for part in (
        parametrizations.weight_norm(nn.Conv2d(4, 4, 3)),
        parametrizations.spectral_norm(nn.Conv2d(4, 4, 3)),
        pruned,
    ):
        model = nn.Sequential(part).double()
        with pytest.raises(UnsupportedError, match="computes"):
            ca.merge(ca.from_torch(model, SHAPE), model.state_dict())


def test_matrices_that_lie_the_other_way():
    class Product(nn.Module):
        def __init__(self, turned):
            super().__init__()
            self.c = nn.Conv2d(4, 4, 3, padding=1)
            self.w = nn.Parameter(torch.randn(4, 4))
            self.turned = turned

        def forward(self, x):
            x = self.c(x).permute(0, 2, 3, 1)
            return (x @ self.w if self.turned else F.linear(x, self.w)).permute(0, 3, 1, 2)

    model = Product(False).double()
    assert after(model, ca.merge(model, input=SHAPE)) < 1e-12
    with pytest.raises(UnsupportedError, match="`linear@4`"):
        ca.merge(Product(True), input=SHAPE)


def test_a_batch_norm_without_statistics():
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4, track_running_stats=False))
    with pytest.raises(UnsupportedError, match="running_mean"):
        ca.merge(model, input=SHAPE)


@pytest.mark.parametrize("named", [False, True])
def test_a_batch_norm_that_takes_the_statistics_of_its_input(named):
    class Training(nn.Module):
        def __init__(self):
            super().__init__()
            self.c, self.n = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)

        def forward(self, x):
            n = self.n
            four = (n.running_mean, n.running_var, n.weight, n.bias)
            if named:
                return F.batch_norm(self.c(x), *four, training=True)
            return F.batch_norm(self.c(x), *four, True, 0.1, 1e-3)

    with pytest.raises(UnsupportedError, match="running_mean"):
        ca.merge(Training(), input=SHAPE)


def test_norms_by_their_functions():
    class Norm(nn.Module):
        def __init__(self, run):
            super().__init__()
            torch.manual_seed(2)
            self.c, self.n = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
            self.n.running_mean.normal_()
            self.n.running_var.uniform_(0.1, 2)
            nn.init.normal_(self.n.weight)
            nn.init.normal_(self.n.bias)
            self.run = run

        def forward(self, x):
            return self.run(self.c(x), self.n)

    def before(x, n):
        four = (n.weight, n.bias, n.running_mean, n.running_var)
        return torch.batch_norm(x, *four, False, 0.1, 1e-2, False)

    def swapped(x, n):
        return F.batch_norm(x, n.running_mean, n.running_var, n.bias, n.weight, eps=1e-2)

    for run in (before, swapped):
        model = Norm(run).double()
        assert after(model, ca.merge(model, input=SHAPE)) < 1e-12
    model = Norm(lambda x, n: F.batch_norm(x, n.running_mean, 2 * n.running_var, n.weight, n.bias))
    with pytest.raises(UnsupportedError, match="running_var"):
        ca.merge(model, input=SHAPE)


@pytest.mark.parametrize(
    ("stack", "given", "message"),
    [
        (nn.Conv2d(3, 4, 3), {}, "a module does not tell its input"),
        (nn.Conv2d(3, 4, 3), {"weights": {}, "input": "3x9x9"}, "do not hold `weight`"),
        ("3x3", {}, "do not hold `0.weight`"),
        (nn.LazyConv2d(4, 3), {"input": "3x9x9"}, "plain numbers"),
        (5, {}, "a stack is text, a Path, a Network or a torch.nn.Module"),
        (None, {"weights": {}}, "a stack is text"),
        (["3x3"], {"weights": {}}, "a stack is text"),
        ("3", {"weights": 3}, "weights are a dictionary"),
        ("3", {"weights": {"0.weight": None}}, "of type NoneType"),
        ("3", {"weights": {"0.weight": torch.empty(1, 1, 3, device="meta")}}, "plain numbers"),
        ("3", {"weights": {"0.weight": torch.eye(3).to_sparse()[None]}}, "plain numbers"),
        ("3", {"weights": [[[[1, 2, float("nan")]]]]}, "not finite"),
        ("3", {"weights": [[[[1, 2, 3]]]], "channels": True}, "channels must be a whole number"),
        ("3", {"weights": [[[[1, 2, 3]]]], "channels": "1"}, "channels must be a whole number"),
        ("3", {"weights": [[[[1, 2, 3]]]], "input": 3.5}, "an input shape is"),
        ("3", {"weights": [[[[1, 2, 3]]]], "eps": "x"}, "eps is a number"),
        ("3,3", {"weights": [[[[1e308, 2.0, 3]]]] * 2}, "overflows"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(stack, given, message):
    with pytest.raises(ConvalgebraError, match=message):
        ca.merge(stack, **given)


def test_the_names_of_an_onnx_file(tmp_path):
    pytest.importorskip("onnx")
    from readers.onnx_files import model as onnx_model
    from readers.onnx_files import tensor

    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(8, 3, 3, 3)), "v": rng.uniform(1e-4, 1e-2, 8)}
    arrays |= {name: rng.normal(size=8) for name in ("scale", "shift", "mean")}
    stored = [tensor(name, *array.shape) for name, array in arrays.items()]
    norm = ("BatchNormalization", "h scale shift mean v", "y", {"epsilon": 1e-3})
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_model([("Conv", "x w", "h", {}), norm], stored))
    report = ca.merge(path, dict(reversed(arrays.items())))
    factor = arrays["scale"] / np.sqrt(arrays["v"] + 1e-3)
    assert np.allclose(report.weight, arrays["w"] * factor[:, None, None, None], rtol=1e-14)
    assert np.allclose(report.bias, arrays["shift"] - arrays["mean"] * factor, rtol=1e-14)
    computed = [("Mul", "w w", "u", {}), ("Conv", "x u", "h", {}), norm]
    path.write_bytes(onnx_model(computed, stored))
    with pytest.raises(UnsupportedError, match="computes it"):
        ca.merge(path, arrays)
    same = [("Identity", "w", "u", {}), ("Conv", "x u", "h", {}), norm]
    path.write_bytes(onnx_model(same, stored))
    assert (ca.merge(path, arrays).weight == report.weight).all()


SHARED = {
    "turned": lambda self, x: F.conv2d(self.a(x), self.a.weight.flip(2, 3)),
    "turned before": lambda self, x: self.a(F.conv2d(x, self.a.weight.flip(2, 3))),
    "transposed": lambda self, x: F.conv2d(self.a(x), self.a.weight.transpose(0, 1)),
}


@pytest.mark.parametrize("how", SHARED)
def test_one_parameter_used_in_two_ways_is_no_shared_layer(how):
    model = Two(SHARED[how]).double()
    network = ca.from_torch(model, SHAPE)
    assert "shared" not in str(network)
    total = ca.cost(network).total
    # 4 x 4 x 9 weights, used at 7 x 7 and at 5 x 5 positions; b is never used.
    assert (total.params, total.macs) == (2 * 144, 144 * (49 + 25))
    with pytest.raises(UnsupportedError):
        ca.merge(network, model.state_dict())


def test_a_layer_that_runs_twice_is_shared():
    model = Two(lambda self, x: self.b(self.a(self.a(x)))).double()
    network = ca.from_torch(model, SHAPE)
    assert "shared" in str(network)
    assert after(model, ca.merge(network, model.state_dict())) < 1e-12


def test_statistics_of_two_norms_with_the_same_weights():
    class Norms(nn.Module):
        def __init__(self):
            super().__init__()
            self.n, self.m = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
            self.m.weight, self.m.bias = self.n.weight, self.n.bias
            self.m.running_mean.fill_(3)

        def forward(self, x):
            return self.m(self.n(nn.functional.pad(x, (1, 1, 1, 1))))

    model = Norms().double()
    with pytest.raises(UnsupportedError):
        ca.merge(ca.from_torch(model, SHAPE), model.state_dict())


def test_data_that_is_replaced():
    def run(self, x):
        self.a.weight.data = self.a.weight.data * 2
        return self.a(self.b(x))

    model = Two(run).double()
    with pytest.raises(UnsupportedError, match="computes it"):
        ca.merge(ca.from_torch(model, SHAPE), model.state_dict())


def test_what_a_print_out_hides_of_averages_is_said():
    # These print alike, and are four different functions.
    alike = [
        nn.AvgPool2d(3, 2, 1),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.AvgPool2d(3, 2, 1, divisor_override=2),
        nn.AvgPool2d(3, 2, 1, ceil_mode=True),
    ]
    assert len({repr(pool) for pool in alike}) == 1
    printed = repr(nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), alike[0]))
    report = ca.merge(printed, [np.ones((2, 2, 1, 1))], input=(2, 8, 8))
    (note,) = report.notes
    for word in ("AvgPool2d", "ceil_mode=False", "count_include_pad=True", "divisor_override"):
        assert word in note
    plain = repr(nn.Sequential(nn.Conv2d(2, 2, 1, bias=False)))
    assert ca.merge(plain, [np.ones((2, 2, 1, 1))], input=(2, 8, 8)).notes == ()
