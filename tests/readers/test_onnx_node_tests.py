"""The node tests that come with the package onnx: the shape is the one they expect, or none."""

import pytest

import convalgebra as ca
from convalgebra.readers.onnx_file import read

onnx = pytest.importorskip("onnx")

import numpy as np  # noqa: E402
from onnx import helper, numpy_helper  # noqa: E402


def of_one_input(case):
    """A test as a file of one input, others stored; None where it has no array to put in."""
    inputs, outputs = case.data_sets[0]
    arrays = [*inputs, *outputs]
    if not all(isinstance(a, np.ndarray) or np.isscalar(a) for a in arrays):
        return None
    first = next((i for i, a in enumerate(inputs) if np.ndim(a)), None)
    # A lone number comes behind other outputs, and what is empty cannot be stretched to a batch.
    if first is None or not np.ndim(outputs[0]) or not np.size(inputs[first]):
        return None
    model = onnx.load_from_string(case.model.SerializeToString())
    graph = model.graph
    named = list(graph.input)
    del graph.input[:], graph.value_info[:]
    for value, array in zip(named, inputs, strict=True):
        if value is not named[first]:
            graph.initializer.append(numpy_helper.from_array(np.asarray(array), value.name))
    name, shape = named[first].name, list(np.shape(inputs[first]))
    if shape[0] != 1 or len(shape) < 2:  # a batch of 1 before it
        graph.initializer.append(helper.make_tensor("to_shape", 7, [len(shape)], shape))
        graph.node.insert(0, helper.make_node("Reshape", ["of_batch", "to_shape"], [name]))
        name, shape = "of_batch", [1, *shape]
    kind = named[first].type.tensor_type.elem_type
    graph.input.append(helper.make_tensor_value_info(name, kind, shape))
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    return model.SerializeToString()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_node_test_of_onnx():
    from onnx.backend.test.case.node import collect_testcases

    right, wrong = 0, []
    for case in collect_testcases(None):
        if case.model is None:
            continue
        content = of_one_input(case)
        if content is None:
            continue
        try:
            output = ca.cost(read(content, "m.onnx")).output
        except ca.ConvalgebraError:
            continue
        shape = np.shape(case.data_sets[0][1][0])
        if output == (shape[1:] if len(shape) > 1 and shape[0] == 1 else shape):
            right += 1
        else:
            wrong.append((case.name, shape, output))
    assert not wrong
    assert right > 1000
