"""Random networks on one axis: chains, skips, branches that keep, halve or double the length."""

from hypothesis import strategies as st

number = st.integers


@st.composite
def keeping(draw, depth=2, shifted=True):
    """Text of a path that keeps its length; centred unless `shifted`."""
    kinds = ["window", "dilated", "down and up"] + (["add", "series", "mul"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    inner = keeping(depth - 1, shifted)
    if kind in ("window", "dilated"):
        dilation = 1 if kind == "window" else draw(number(2, 3))
        taps = draw(number(1, 4)) if shifted else draw(st.sampled_from([1, 3, 5]))
        around = (taps - 1) * dilation
        before = draw(number(0, around)) if shifted else around // 2
        return f"conv {taps}d{dilation}p{before}:{around - before}"
    if kind == "down and up":
        factor = draw(number(2, 3))
        up = draw(st.sampled_from([f"up{factor}", f"bilinear{factor}", f"convt{factor}s{factor}"]))
        return f"max{factor}s{factor}, {draw(inner)}, {up}"
    if kind == "series":
        return f"{draw(inner)}, relu, {draw(inner)}"
    second = draw(st.one_of(st.just("id"), inner))
    if kind == "mul":
        return f"mul({draw(inner)} | {second}, sigmoid)"
    return f"({draw(inner)}) + ({second})"


@st.composite
def halving(draw):
    """Text of branches of half the length, added."""
    ways = ["2s2", "1s2", "3s2p1:0", "4s2p1", "max2s2", "3s2psame", "3p1, avg2s2", "3d2p2, 2s2"]
    return " + ".join(f"({way})" for way in draw(st.lists(st.sampled_from(ways), min_size=2)))


OTHERS = st.sampled_from(
    [
        "3s2p1", "2s2", "5d2p4", "1s3", "convt3s2p1o1", "convt2s2", "up2", "bilinear2", "3p2",
        "pad2:0", "crop1:2", "reflect2", "replicate1:3", "circular2:1", "max3s2p1", "gap(24)",
        "3s2psame", "conv 2", "(2s2) + (crop0:24, 1s1, gap(24))", "resize36",
    ]
)  # fmt: skip


@st.composite
def networks(draw, length=48):
    """Text of a network on an input of one channel."""
    parts = draw(st.lists(st.one_of(keeping(), halving(), OTHERS), min_size=1, max_size=4))
    return f"input 1x{length}; " + ", ".join(f"({part})" for part in parts)
