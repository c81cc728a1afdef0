"""The classes of torch.nn, with what each tells of itself when it is printed."""

from __future__ import annotations

from math import prod

from convalgebra.inventory import Takes
from convalgebra.layers import Channels, Layer, Opaque
from convalgebra.readers.printed import sliding
from convalgebra.readers.printed.arguments import Arguments
from convalgebra.readers.printed.told import LAZY, Reading, Rule, Told, axes_of
from convalgebra.words import counted


def told(kind: str, arguments: Arguments) -> Told:
    """What a module of class `kind`, one of `KINDS`, tells.

    >>> from convalgebra.readers.printed.arguments import arguments_of
    >>> told("Linear", arguments_of("in_features=9, out_features=2, bias=True")).params
    20

    Raises Unfit for arguments that the class cannot have printed, Foreign for those it has not.
    """
    return _RULES[kind](kind, Reading(kind, arguments))


def _linear(kind: str, read: Reading) -> Told:
    features, out = read.number("in_features"), read.number("out_features")
    has_bias = read.flag("bias", True)
    read.end()
    if not out:
        return Told(0, lacks="it has no outputs")
    layers = (Layer("linear", channels=Channels("=", out), bias=has_bias),)
    if kind == "LazyLinear":
        return Told(None, layers, Takes("Linear", None, (0,)), LAZY)
    return Told(out * (features + has_bias), layers, Takes("Linear", features, (0,)))


def _bilinear_form(kind: str, read: Reading) -> Told:
    one, two = read.number("in1_features"), read.number("in2_features")
    out, has_bias = read.number("out_features"), read.flag("bias")
    read.end()
    return Told(out * (one * two + has_bias), lacks="it takes two inputs")


def _batch_norm(kind: str, read: Reading) -> Told:
    features, affine = read.count(), read.flag("affine", True)
    has_bias = read.flag("bias", affine)
    eps = read.eps()
    read.end("momentum", "track_running_stats")
    word = "in" if "Instance" in kind else "bn"
    axes: tuple[int, ...] = () if kind == "SyncBatchNorm" else (axes_of(kind),)
    if kind.endswith("BatchNorm1d"):
        axes = (0, 1)
    if kind.startswith("Lazy"):
        return _norm(None, word, Takes(kind, None, axes), affine, has_bias, eps, LAZY)
    return _norm(features, word, Takes(kind, features, axes), affine, has_bias, eps)


def _norm(
    features: int | None,
    word: str,
    takes: Takes,
    affine: bool,
    bias: bool,
    eps: float,
    reason: str = "",
    size: tuple[int, ...] = (),
) -> Told:
    if not affine:
        return Told(0, (Layer(f"plain{word}", size, eps=eps),), takes)
    if not bias:
        lacks = "norms have two weights a channel there, or none (bias=False)"
        return Told(features, None, takes, reason, lacks)
    params = None if features is None else 2 * features
    return Told(params, (Layer(word, size, eps=eps),), takes, reason)


def _group_norm(kind: str, read: Reading) -> Told:
    groups, features, affine = read.count(1), read.count(), read.flag("affine", True)
    bias, eps = read.flag("bias", affine), read.eps()
    read.end()
    if features % groups:
        raise read.contradicts(f"{groups:,} groups of {counted(features, 'channel')}")
    return _norm(features, "gn", Takes(kind, features), affine, bias, eps, size=(groups,))


def _layer_norm(kind: str, read: Reading) -> Told:
    shape = read.next()
    if not isinstance(shape, tuple) or not shape:
        raise read.unfit("a shape in parentheses, like (64,)", shape)
    features = prod(read.sizes(shape, len(shape), 1))
    affine = read.flag("elementwise_affine")
    is_printed = "bias" in read.names
    bias = read.flag("bias", affine) if kind == "LayerNorm" else False
    eps = read.eps() if kind == "LayerNorm" else read.take("eps", None)
    read.end()
    params = features * (affine + (affine and bias))
    if kind == "RMSNorm":
        return Told(params, lacks="it has no RMS norm")
    guess = _BIAS if affine and not is_printed else ""
    if len(shape) > 1:
        lacks = "norms have two weights a channel there, not at each position"
        return Told(params, lacks=lacks, of_params=guess)
    takes = Takes(kind, features, (0,))
    if not affine:
        return Told(0, (Layer("plainln", eps=eps),), takes)
    layers = (Layer("ln", eps=eps),) if bias else (Layer("plainln", eps=eps), Layer("scale"))
    return Told(params, layers, takes, of_params=guess)


_BIAS = "a LayerNorm of which no bias is printed has one"  # PyTorch before 2.12


def _local_norm(kind: str, read: Reading) -> Told:
    size = read.count()
    read.end("alpha", "beta", "k")
    return Told(0, (Layer("lrn"),)) if size == 5 else Told(lacks="`lrn` is over 5 channels there")


def _flatten(kind: str, read: Reading) -> Told:
    guess = "" if read.names else "a Flatten of which nothing is printed keeps the batch alone"
    start, end = read.take("start_dim", 1), read.take("end_dim", -1)
    read.end()
    if (start, end) == (1, -1):
        return Told(0, (Layer("flatten"),), assumed=guess)  # PyTorch before 1.5
    return Told(lacks="`flatten` is of all axes")


def _prelu(kind: str, read: Reading) -> Told:
    weights = read.number("num_parameters")
    read.end()
    if weights == 1:
        return Told(1, (Layer("sharedprelu"),))
    return Told(weights, (Layer("prelu"),), Takes(kind, weights))


def _embedding(kind: str, read: Reading) -> Told:
    rows, columns = read.count(), read.count()
    read.end("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse", "mode")
    return Told(rows * columns, lacks="it has no embedding")


def _recurrent(kind: str, read: Reading) -> Told:
    features, hidden = read.count(), read.count()
    layers, projected = read.whole(read.take("num_layers", 1), 1), read.take("proj_size", 0)
    has_bias, both_ways = read.flag("bias", True), read.flag("bidirectional", False)
    read.end("batch_first", "dropout")
    ways, handed_on = 1 + both_ways, read.whole(projected) or hidden
    total = 0
    for number in (0, 1):  # the first layer, and each of the others
        comes = features if number == 0 else ways * handed_on
        each = _gates(kind) * hidden * (comes + handed_on + 2 * has_bias)
        each += hidden * handed_on if projected else 0
        total += ways * each * (layers - 1 if number else 1)
    return Told(total, lacks="it has no recurrent layers")


def _gates(kind: str) -> int:
    return {"LSTM": 4, "GRU": 3, "RNN": 1}[kind.removesuffix("Cell")]


def _cell(kind: str, read: Reading) -> Told:
    features, hidden = read.count(), read.count()
    has_bias = read.flag("bias", True)
    read.end("nonlinearity")
    each = features + hidden + 2 * has_bias
    return Told(_gates(kind) * hidden * each, lacks="it has no recurrent layers")


def _attention(kind: str, read: Reading) -> Told:
    read.end()
    return Told(None, reason=ATTENTION, lacks="it has no attention")


ATTENTION = "kdim, vdim and add_bias_kv are not printed"


def _plain(word: str) -> Rule:
    return _of_numbers(Told(0, (Layer(word),)))


def _of_numbers(told: Told) -> Rule:
    """What works number by number: of its arguments none has an influence, if PyTorch prints it."""

    def rule(kind: str, read: Reading) -> Told:
        read.places.clear()
        read.end(*_OF_NUMBERS)
        return told

    return rule


_OF_NUMBERS = (
    *("inplace", "negative_slope", "alpha", "approximate", "beta", "threshold", "p", "value"),
    *("lambd", "lower", "upper", "min_val", "max_val", "dim"),
)


def _softmax(kind: str, read: Reading) -> Told:
    """A softmax over the channels: dimension 1, or the last one of a row; None is never a side."""
    dim = read.take("dim", None)
    read.end()
    if dim not in (None, 1, -1):
        return Told(lacks="`softmax` is over the channels")
    return Told(0, (Layer("softmax"),), Takes(kind, None, (0,) if dim == -1 else ()))


def _opaque(name: str) -> Rule:
    # What comes out has the shape of what comes in, which a chain fills in.
    return _of_numbers(Told(0, (Layer("opaque", opaque=Opaque(name, 0, 0)),)))


def _hardtanh(kind: str, read: Reading) -> Told:
    bounds = read.take("min_val", -1.0), read.take("max_val", 1.0)
    return (_plain("relu6") if bounds == (0, 6) else _opaque("hardtanh"))(kind, read)


def _without_word(kind: str, read: Reading) -> Told:
    return Told(0, lacks="it has no word for it")


CHAINS = frozenset({"Sequential"})
WRAPPERS = frozenset({"DataParallel", "DistributedDataParallel", "OptimizedModule"})
LISTS = frozenset({"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
CONTAINERS = (
    CHAINS
    | WRAPPERS
    | LISTS
    | {
        *("Transformer", "TransformerEncoder", "TransformerDecoder"),
        *("TransformerEncoderLayer", "TransformerDecoderLayer", "AdaptiveLogSoftmaxWithLoss"),
    }
)  # of torch.nn: what they hold themselves is printed

_1D_TO_3D = ("1d", "2d", "3d")
_ACTIVATIONS = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "LeakyReLU": "leakyrelu",
    "ELU": "elu",
    "SELU": "selu",
    "SiLU": "silu",
    "GELU": "gelu",
    "Mish": "mish",
    "Softplus": "softplus",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish",
    "Softmax2d": "softmax",
}
_OPAQUE = {  # they keep the shape; the names are those that a live module gives
    "CELU": "celu",
    "Hardshrink": "hardshrink",
    "LogSigmoid": "log_sigmoid",
    "LogSoftmax": "log_softmax",
    "RReLU": "rrelu",
    "Softmin": "softmin",
    "Softshrink": "softshrink",
    "Softsign": "softsign",
    "Tanhshrink": "tanhshrink",
    "Threshold": "threshold",
}
_WITHOUT_WORD = (
    *("GLU", "Fold", "Unfold", "Unflatten", "PixelUnshuffle"),
    *("CosineSimilarity", "PairwiseDistance", "CrossMapLRN2d"),
    *("FractionalMaxPool2d", "FractionalMaxPool3d"),
    *(f"{pool}{axes}" for pool in ("LPPool", "MaxUnpool") for axes in _1D_TO_3D),
    *("L1Loss", "MSELoss", "CrossEntropyLoss", "CTCLoss", "NLLLoss", "NLLLoss2d", "KLDivLoss"),
    *("PoissonNLLLoss", "GaussianNLLLoss", "BCELoss", "BCEWithLogitsLoss", "SmoothL1Loss"),
    *("HuberLoss", "SoftMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss"),
    *("MarginRankingLoss", "HingeEmbeddingLoss", "MultiMarginLoss", "TripletMarginLoss"),
    *("TripletMarginWithDistanceLoss", "CosineEmbeddingLoss"),
)


def _for_axes(rule: Rule, *stems: str) -> dict[str, Rule]:
    return {stem + axes: rule for stem in stems for axes in _1D_TO_3D}


_RULES: dict[str, Rule] = {
    **_for_axes(sliding.convolution, "Conv", "ConvTranspose", "LazyConv", "LazyConvTranspose"),
    **dict.fromkeys(("Linear", "NonDynamicallyQuantizableLinear", "LazyLinear"), _linear),
    "Bilinear": _bilinear_form,
    **_for_axes(_batch_norm, "BatchNorm", "LazyBatchNorm", "InstanceNorm", "LazyInstanceNorm"),
    "SyncBatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    **dict.fromkeys(("LayerNorm", "RMSNorm"), _layer_norm),
    "LocalResponseNorm": _local_norm,
    **_for_axes(sliding.max_pool, "MaxPool"),
    **_for_axes(sliding.average_pool, "AvgPool"),
    **_for_axes(sliding.adaptive_pool, "AdaptiveAvgPool", "AdaptiveMaxPool"),
    **_for_axes(sliding.border, *(f"{stem}Pad" for stem in sliding.BORDERS)),
    **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), sliding.upsample),
    "ChannelShuffle": sliding.channel_shuffle,
    "PixelShuffle": sliding.pixel_shuffle,
    "Flatten": _flatten,
    "PReLU": _prelu,
    **dict.fromkeys(("Embedding", "EmbeddingBag"), _embedding),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrent),
    **dict.fromkeys(("RNNCell", "LSTMCell", "GRUCell"), _cell),
    "MultiheadAttention": _attention,
    "Identity": _of_numbers(Told(0, ())),
    "Softmax": _softmax,
    **{kind: _plain(word) for kind, word in _ACTIVATIONS.items()},
    **{kind: _opaque(name) for kind, name in _OPAQUE.items()},
    "Hardtanh": _hardtanh,
    **dict.fromkeys(("Dropout", "AlphaDropout", "FeatureAlphaDropout"), _plain("dropout")),
    **_for_axes(_plain("dropout"), "Dropout"),
    **dict.fromkeys(_WITHOUT_WORD, _without_word),
}
KINDS = frozenset(_RULES)
