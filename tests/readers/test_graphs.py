"""What the readers of graphs share: what is done with all the nodes at the end."""

from calls import counted

from convalgebra.readers.graphs import Builder, Constant, Parameter, finished
from convalgebra.readers.graphs.builder import Tensor


def test_what_is_thrown_away_is_kept_where_it_costs():
    builder = Builder((3, 8, 8))
    free = builder.opaque("free", [0], (3, 8, 8), 0)
    paid = builder.opaque("paid", [free], (3, 8, 8), 5)
    behind = builder.opaque("behind", [paid], (3, 8, 8), 0)
    builder.opaque("also_behind", [paid], (3, 8, 8), 0)  # costs nothing beyond what is kept
    builder.opaque("beside", [free], (3, 8, 8), 0)
    network = finished(builder, [builder.input()], [], {})
    assert network.outputs == (0, behind)
    assert [node.layer.opaque.name for node in network.nodes[1:]] == ["free", "paid", "behind"]


def test_many_dead_ends_take_time_in_proportion():
    builder, last = Builder((3, 8, 8)), 0
    for _ in range(15_000):
        last = builder.opaque("step", [last], (3, 8, 8), 0)
        builder.opaque("end", [last], (3, 8, 8), 0)
    with counted(1_000_000):
        assert len(finished(builder, [builder.input()], [], {}).nodes) == 1


def test_params_that_are_not_used():
    names = {"a.weight": 6, "a.bias": 2, "b.c.scale": 3, "own": 4, "none.weight": 0}
    parameters = [Parameter(*item) for item in names.items()]
    builder = Builder((3, 8, 8))
    node = builder.opaque("used", [0], (3, 8, 8), 0, [Constant((4,), frozenset(parameters[3:4]))])
    network = finished(
        builder, [Tensor(node, builder.input().dims)], parameters, {"a": "Linear", "b.c": "Scale"}
    )
    assert str(network).partition("; ")[2] == (
        "opaque(used, 3x8x8, 4, 0), "
        "unused(opaque(a_Linear, 3x8x8, 6+2, 0) | opaque(b_c_Scale, 3x8x8, 3, 0))"
    )
