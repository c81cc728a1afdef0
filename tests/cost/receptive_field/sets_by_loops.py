"""What every unit of a network on one axis sees, as plain sets pushed forward through its layers.

Nothing of the package but the list of nodes is used. Units that are not there (padding) see
nothing. A set of inputs is the int whose bits they are.
"""

NOTHING = 0


def union(sets):
    found = NOTHING
    for one in sets:
        found |= one
    return found


def listed(bits):
    """The inputs in a set, in order."""
    return [place for place in range(bits.bit_length()) if bits >> place & 1]


def doubled_centre(bits):
    """The first input in a set plus the last."""
    return (bits & -bits).bit_length() + bits.bit_length() - 2


def at(units, place):
    return units[place] if 0 <= place < len(units) else NOTHING


def padding_of(layer, side):
    if layer.padding != "same":
        return layer.padding[0]
    (k,), (s,), (d,) = layer.size, layer.stride, layer.dilation
    missing = max(0, (-(-side // s) - 1) * s + (k - 1) * d + 1 - side)
    return missing // 2, missing - missing // 2


def slide(layer, units, outputs):
    (k,), (s,), (d,) = layer.size, layer.stride, layer.dilation
    before = padding_of(layer, len(units))[0]
    return [union(at(units, n * s + t * d - before) for t in range(k)) for n in range(outputs)]


def transposed(layer, units, outputs):
    (k,), (s,), (d,) = layer.size, layer.stride, layer.dilation
    found = [NOTHING] * outputs
    for n, seen in enumerate(units):
        for t in range(k):
            place = n * s + t * d - layer.padding[0][0]
            if 0 <= place < outputs:
                found[place] |= seen
    return found


def border(layer, units, outputs):
    ((before, _),), side = layer.pads, len(units)
    if layer.kind == "crop":
        return units[before : before + outputs]
    found = []
    for place in range(-before, outputs - before):
        if layer.kind == "reflect":
            place = -place if place < 0 else min(place, 2 * (side - 1) - place)
        elif layer.kind == "replicate":
            place = min(max(place, 0), side - 1)
        elif layer.kind == "circular":
            place %= side
        found.append(at(units, place))
    return found


def nearest(layer, units, outputs):
    return [units[n * len(units) // outputs] for n in range(outputs)]


def bilinear(layer, units, outputs):
    found = []
    for n in range(outputs):
        centre = max(0.0, (n + 0.5) * len(units) / outputs - 0.5)
        first = int(centre)
        found.append(units[first] | (at(units, first + 1) if centre > first else NOTHING))
    return found


def pooled(layer, units, outputs):
    side = len(units)
    return [
        union(units[n * side // outputs : -(-(n + 1) * side // outputs)]) for n in range(outputs)
    ]


def unchanged(layer, units, outputs):
    return units


LAYERS = {
    **dict.fromkeys(("conv", "dw", "max", "avg"), slide),
    "convt": transposed,
    **dict.fromkeys(("pad", "crop", "reflect", "replicate", "circular"), border),
    **dict.fromkeys(("up", "resize"), nearest),
    "bilinear": bilinear,
    **dict.fromkeys(("gap", "gmp"), pooled),
    **dict.fromkeys(("relu", "sigmoid", "bn", "linear", "input"), unchanged),
}


def seen_by_all(network, start=0):
    """For every node a list of sets, what each of its units sees of the node `start`."""
    sides = [shape[1] for shape in network.shapes]
    values = {start: [1 << place for place in range(sides[start])]}
    for index, node in enumerate(network.nodes):
        if index == start or not node.inputs:
            continue
        parts = [values.get(source, [NOTHING] * sides[source]) for source in node.inputs]
        if len(parts) == 1:
            values[index] = LAYERS[node.layer.kind](node.layer, parts[0], sides[index])
        else:  # a side of 1 is shown at every position of a product
            parts = [part * sides[index] if len(part) == 1 else part for part in parts]
            values[index] = [union(units) for units in zip(*parts, strict=True)]
    return [values.get(index, [NOTHING] * side) for index, side in enumerate(sides)]
