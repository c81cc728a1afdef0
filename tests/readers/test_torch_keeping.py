"""A live module is the user's own: what it reaches is after a reading as it was before."""

import copy
import functools
import itertools
import queue
import types

import pytest

import convalgebra as ca

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

GLOBAL: list = []
LAST = None


class Hooked(nn.Module):
    """A hook keeps what one layer makes in a dictionary of the module."""

    def __init__(self):
        super().__init__()
        self.big = nn.Conv2d(3, 4, 7, padding=3)
        self.small = nn.Conv2d(3, 4, 1)
        self.features = {}
        self.big.register_forward_hook(lambda part, x, y: self.features.__setitem__("c", y))

    def forward(self, x):
        self.big(x)
        return self.small(x) + self.features["c"]


def test_a_hook_that_fills_a_dictionary():
    module = Hooked()
    module(torch.zeros(1, 3, 9, 9))
    before = dict(module.features)
    report = ca.cost(module, input=(3, 9, 9))
    assert report.receptive_field.axes[0].size == 7
    assert report.total.params == 4 * 3 * 49 + 4 + 12 + 4
    assert report.total.macs == (4 * 3 * 49 + 12) * 81
    assert module.features == before
    assert not module.features["c"].is_meta


def test_a_forward_that_was_replaced():
    module = nn.Module()
    module.a, module.b = (nn.Conv2d(c, 4, 3, padding=1) for c in (3, 4))
    module.forward = lambda x: module.b(module.a(x)).relu()
    report = ca.cost(module, input=(3, 8, 8))
    assert str(report.network) == "input 3x8x8; 2*(3x3p1@4b), relu"
    assert report.total.params == 112 + 148
    assert report.total.macs == 64 * (108 + 144)
    assert report.total.macs_exact == 22 * 22 * (12 + 16)  # 3*8 - 2 taps on data a side
    assert report.receptive_field.axes[0].size == 5


def keep_last(part, given, made):
    global LAST
    LAST = made


class Holder:
    """A hook that is an object, with a slot and an attribute."""

    __slots__ = ("__dict__", "made")

    def __init__(self):
        self.made = None
        self.all = []

    def __call__(self, part, given, made):
        self.made = made
        self.all.append(made)


def closures():
    """A hook with a list and a name of the function around it, and how to look at them."""
    found, last = [], None

    def hook(part, given, made):
        nonlocal last
        last = made
        found.append(made)

    return hook, lambda: (list(found), last)


def hooks():
    holder = Holder()
    hook, seen = closures()
    kept, attributes = {}, nn.Module()
    return {
        "global list": (lambda part, x, y: GLOBAL.append(y), lambda: list(GLOBAL)),
        "global name": (keep_last, lambda: LAST),
        "object": (holder, lambda: (holder.made, list(holder.all))),
        "closure": (hook, seen),
        "partial": (functools.partial(lambda k, p, x, y: k.update(y=y), kept), lambda: dict(kept)),
        "attribute": (
            lambda part, x, y: setattr(attributes, "made", y),
            lambda: dict(vars(attributes)),
        ),
    }


@pytest.mark.parametrize("name", hooks())
def test_what_a_hook_fills_is_put_back(name):
    hook, seen = hooks()[name]
    module = nn.Sequential(nn.Conv2d(3, 4, 3))
    module[0].register_forward_hook(hook)
    before = seen()
    assert ca.cost(module, input=(3, 8, 8)).total.macs == 108 * 36
    assert seen() == before
    module(torch.zeros(1, 3, 8, 8))
    assert seen() != before  # the hook is there, and fills it when the module runs


class Stateful(nn.Module):
    """Everything that a forward may write to."""

    runs = 0
    made = []  # noqa: RUF012  (of the class, on purpose)

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.count = 0
        self.register_buffer("mean", torch.zeros(4, 1, 1))

    def forward(self, x):
        Stateful.runs += 1
        self.count += 1
        self.conv.weight.data *= 2
        self.mean += 1
        y = self.conv(x) + self.mean
        self.made.append(y)
        self.mean, self.new = self.mean * 2, y
        self.train()
        return y


def test_what_a_forward_writes_to_is_put_back():
    module = Stateful()
    state, parts = copy.deepcopy(module.state_dict()), [dict(vars(p)) for p in module.modules()]
    weight = module.conv.weight
    assert ca.cost(module.eval(), input=(3, 8, 8)).total.params == 112
    assert not module.training
    module.train()
    assert (Stateful.runs, Stateful.made, module.count) == (0, [], 0)
    assert [vars(part).keys() for part in module.modules()] == [part.keys() for part in parts]
    assert module.conv.weight is weight
    assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())


@functools.lru_cache
def table(size):
    return torch.arange(size)


class Cached(nn.Module):
    def forward(self, x):
        return x + table(8)


def test_a_cache_keeps_no_tensors_without_numbers():
    ca.from_torch(Cached(), (3, 8))
    assert not table(8).is_meta


class Merging(nn.Module):
    """In eval mode its weights are put together."""

    def __init__(self):
        super().__init__()
        self.weight, self.more = nn.Parameter(torch.ones(3, 3)), nn.Parameter(torch.ones(3, 1))

    def train(self, mode=True):
        if not mode:
            self.weight.data += self.more.data @ self.more.data.T
        return super().train(mode)

    def forward(self, x):
        return x @ self.weight


def test_eval_mode_changes_no_weight():
    module = Merging()
    assert ca.cost(module, input=(5, 3)).total.params == 12
    assert module.weight.detach().eq(1).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("compiled", [torch.compile, lambda m: m.compile() or m])
def test_compiled_modules_run_as_they_are_written(compiled):
    module = compiled(nn.Sequential(nn.Conv2d(3, 4, 3)))
    assert str(ca.from_torch(module, (3, 8, 8))) == "input 3x8x8; 3x3@4b"


def test_a_run_that_fails_is_put_back():
    module = Hooked()
    module.small = nn.Conv2d(5, 4, 1)
    with pytest.raises(ca.ConvalgebraError, match="cannot be run"):
        ca.from_torch(module, (3, 9, 9))
    assert module.features == {}
    assert module.training
    assert len(module.big._forward_hooks) == 1


def test_what_cannot_be_put_back_is_refused():
    waiting = queue.SimpleQueue()
    module = nn.Sequential(nn.Conv2d(3, 4, 3))
    module[0].register_forward_hook(lambda part, x, y: waiting.put(y))
    with pytest.raises(ca.ConvalgebraError, match="1 tensors of this run are kept"):
        ca.from_torch(module, (3, 8, 8))
    counted = nn.Sequential()
    counted.numbers = itertools.count()
    with pytest.raises(ca.ConvalgebraError, match="take away the attribute that says count"):
        ca.from_torch(counted, (3, 8, 8))


def test_a_module_on_meta_is_left_alone():
    module = nn.Conv2d(3, 4, 3, device="meta")
    module.register_forward_pre_hook(lambda part, x: (part.weight.data.zero_(), None)[1])
    weight = module.weight
    assert ca.cost(module, input=(3, 8, 8)).total.params == 112
    assert module.weight is weight
    assert isinstance(module.weight, nn.Parameter)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_numbers_that_compiled_code_changes_are_told():
    @torch.jit.script
    def counted(x, count):
        count.add_(1)
        return x

    module = nn.Module()
    module.register_buffer("count", torch.zeros(3))
    module.forward = lambda x: counted(x, module.count)
    with pytest.raises(ca.ConvalgebraError, match="changes its own numbers"):
        ca.from_torch(module, (3, 8, 8))


class Proxy:
    """An object that stands for another one, which is not there."""

    @property
    def __class__(self):
        raise RuntimeError("outside of a request")


def test_an_object_that_cannot_be_looked_at_is_refused():
    module = nn.Sequential()
    vars(module)["request"] = Proxy()
    with pytest.raises(ca.ConvalgebraError, match="a Proxy that the module holds cannot be looked"):
        ca.from_torch(module, (3, 8, 8))


def test_what_a_bound_method_or_a_read_only_view_fills_is_put_back():
    listed, named, viewed = [], {}, []
    append, put = listed.append, named.__setitem__
    view = types.MappingProxyType({"seen": viewed})
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

    def keep(part, given, made):
        append(given[0])
        put("made", made)
        view["seen"].append(made)

    module[0].register_forward_hook(keep)
    assert ca.cost(module, input=(3, 9, 9)).total.params == 4 * 27 + 4
    assert (listed, named, viewed) == ([], {}, [])
    module(torch.zeros(1, 3, 9, 9))
    assert (len(listed), len(named), len(viewed)) == (1, 1, 1)
