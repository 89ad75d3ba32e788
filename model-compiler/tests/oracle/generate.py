"""Small random networks of one operator each, with onnxruntime's own results: the outside oracle of the float graph.

    python -m venv v && v/bin/pip install numpy==2.* onnx==1.23.2 onnxruntime==1.32.0
    v/bin/python generate.py                                  writes cases.npz beside this file (the golden)
    v/bin/python generate.py --cases 100 --seed 7 -o X.npz    more of them; HODOSCOPE_ORACLE=X.npz makes the test read that

Arrays of the npz: NAME.model (bytes of the ONNX file), NAME.inK and NAME.outK (float32, integers and truth values too).
"""

import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

TYPES = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "b": TensorProto.BOOL}
NUMPY = {"f": np.float32, "i": np.int64, "b": np.bool_}
CASES = {}


def operator(*names):
    """Registers a generator of cases for each of the names."""

    def register(function):
        for name in names:
            CASES[name] = function
        return function

    return register


class Case:
    """A network under construction: inputs with values, constants, nodes."""

    def __init__(self, opset, functions=()):
        self.opset, self.functions = opset, list(functions)
        self.inputs, self.values, self.constants, self.nodes = [], {}, [], []
        self.outputs = []

    def input(self, value, kind="f"):
        name = f"x{len(self.inputs)}"
        self.values[name] = np.asarray(value, NUMPY[kind])
        shape = list(self.values[name].shape)
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], shape))
        return name

    def constant(self, value, kind="f"):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, NUMPY[kind]), name))
        return name

    def operand(self, value, kind="f"):
        """An event input, or a constant where a leading axis of several elements would be taken for a batch."""
        value = np.asarray(value, NUMPY[kind])
        return self.input(value, kind) if value.shape[:1] == (1,) else self.constant(value, kind)

    def node(self, operator, inputs, count=1, domain="", **attributes):
        base = len(self.nodes)
        outputs = [f"y{base}_{i}" for i in range(count)]
        attributes = {k: v for k, v in attributes.items() if v is not None}
        self.nodes.append(
            helper.make_node(operator, inputs, outputs, name=f"n{base}", domain=domain, **attributes)
        )
        return outputs if count > 1 else outputs[0]

    def finish(self, *outputs):
        self.outputs = [helper.make_empty_tensor_value_info(o) for o in outputs]
        graph = helper.make_graph(self.nodes, "case", self.inputs, self.outputs, self.constants)
        domains = {n.domain for n in self.nodes}
        imports = [helper.make_opsetid("", self.opset)]
        ml = 5 if any(n.op_type == "TreeEnsemble" for n in self.nodes) else 3
        imports += [helper.make_opsetid(d, ml if d == "ai.onnx.ml" else 1) for d in sorted(domains) if d]
        model = helper.make_model(
            graph, opset_imports=imports, functions=self.functions, ir_version=10, producer_name="oracle"
        )
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        data = model.SerializeToString()
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return data, self.values, session.run(list(outputs), self.values)


def shape(rng, low=1, high=4, axes=None):
    axes = rng.integers(1, 4) if axes is None else axes
    return [1] + [int(d) for d in rng.integers(low, high + 1, axes)]


def normal(rng, shape, scale=2.0):
    return (rng.normal(size=shape) * scale).astype(np.float32)


def one(rng, operator, opset, values, attributes=None, **more):
    """One node whose operands are event inputs."""
    case = Case(opset)
    return case.finish(case.node(operator, [case.operand(v) for v in values], **(attributes or {}), **more))


def uniform(rng, low, high):
    return float(np.float32(rng.uniform(low, high)))


@operator("Abs", "Ceil", "Erf", "Exp", "Floor", "Neg", "Relu", "Sigmoid", "Sign", "Softplus", "Softsign", "Tanh")
def plain(rng, name):
    return one(rng, name, 13, [normal(rng, shape(rng))])


@operator("HardSwish", "Mish")
def newer(rng, name):
    return one(rng, name, 18, [normal(rng, shape(rng))])


@operator("Log", "Sqrt", "Reciprocal")
def positive(rng, name):
    return one(rng, name, 13, [np.abs(normal(rng, shape(rng))) + 0.05])


@operator("Round")
def halves(rng, name):
    return one(rng, name, 13, [np.round(normal(rng, shape(rng)) * 2) / 2])


@operator("LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid", "Gelu")
def parametric(rng, name):
    attributes = {}
    if name == "Gelu":
        attributes["approximate"] = str(rng.choice(["none", "tanh"]))
    elif rng.random() < 0.7:
        attributes["alpha"] = uniform(rng, 0.1, 1.5)
    if name == "Selu" and attributes:
        attributes["gamma"] = uniform(rng, 1, 2)
    if name == "HardSigmoid" and attributes:
        attributes["beta"] = uniform(rng, 0.2, 0.8)
    return one(rng, name, 20 if name == "Gelu" else 13, [normal(rng, shape(rng))], attributes)


@operator("Clip")
def clip(rng, name):
    case = Case(int(rng.choice([10, 11, 13])))
    x = case.input(normal(rng, shape(rng)))
    low, high = uniform(rng, -2, 0), uniform(rng, 0, 2)
    if case.opset < 11:
        return case.finish(case.node(name, [x], min=low, max=high))
    inputs = [x, case.constant(low) if rng.random() < 0.7 else ""]
    if rng.random() < 0.7:
        inputs.append(case.constant(high))
    return case.finish(case.node(name, inputs))


def pair(rng):
    """Two shapes that broadcast."""
    full = shape(rng, axes=3)
    other = [d if rng.random() < 0.6 else 1 for d in full][rng.integers(0, 3):]
    return (full, other) if rng.random() < 0.5 else (other, full)


@operator("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean")
def binary(rng, name):
    a, b = pair(rng)
    case = Case(13)
    first, second = normal(rng, a), normal(rng, b)
    if name == "Div":
        second = np.where(np.abs(second) < 0.3, np.float32(0.7), second)
    if name == "Pow":
        first = np.abs(first) + 0.1
    operands = [case.operand(first), case.operand(second)]
    if name in ("Min", "Max", "Sum", "Mean") and rng.random() < 0.5:
        operands.append(case.constant(normal(rng, [1])))
    return case.finish(case.node(name, operands))


@operator("PRelu")
def prelu(rng, name):
    case = Case(int(rng.choice([9, 16])))
    s = shape(rng, axes=3)
    slope = [d if rng.random() < 0.5 else 1 for d in s[1:]]
    return case.finish(case.node(name, [case.input(normal(rng, s)), case.constant(normal(rng, slope, 0.3))]))


@operator("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")
def compare(rng, name):
    a, b = pair(rng)
    return one(rng, name, 16, [rng.integers(-2, 3, a), rng.integers(-2, 3, b)])


@operator("And", "Or", "Xor")
def logic(rng, name):
    a, b = pair(rng)
    case = Case(13)
    return case.finish(case.node(name, [case.operand(rng.random(s) < 0.5, "b") for s in (a, b)]))


@operator("Not")
def negation(rng, name):
    case = Case(13)
    return case.finish(case.node(name, [case.input(rng.random(shape(rng)) < 0.5, "b")]))


@operator("Where")
def where(rng, name):
    a, b = pair(rng)
    case = Case(16)
    mask = case.operand(rng.random(a) < 0.5, "b")
    return case.finish(case.node(name, [mask, case.operand(normal(rng, b)), case.constant(normal(rng, [1]))]))


@operator("Cast", "CastLike")
def cast(rng, name):
    case = Case(19)
    x = case.input(normal(rng, shape(rng), 3.0))
    kind = str(rng.choice(["i", "b"]))
    if name == "Cast":
        y = case.node(name, [x], to=TYPES[kind])
    else:
        y = case.node(name, [x, case.constant(0, kind)])
    return case.finish(case.node("Cast", [y], to=TensorProto.FLOAT))


@operator("Constant", "ConstantOfShape", "Range", "Shape", "Size")
def folded(rng, name):
    case = Case(13)
    x = case.input(normal(rng, shape(rng, axes=2)))
    if name == "Constant":
        value = case.node(name, [], value=numpy_helper.from_array(normal(rng, [1])))
    elif name == "ConstantOfShape":
        value = case.node(name, [case.node("Shape", [x])], value=numpy_helper.from_array(normal(rng, [1])))
    elif name == "Range":
        limit = case.node("Gather", [case.node("Shape", [x]), case.constant(2, "i")], axis=0)
        counts = case.node(name, [case.constant(0, "i"), limit, case.constant(1, "i")])
        value = case.node("Cast", [counts], to=TensorProto.FLOAT)
    elif name == "Shape":
        count = case.node("ReduceProd", [case.node("Cast", [case.node(name, [x])], to=TensorProto.FLOAT)])
        value = count
    else:
        value = case.node("Cast", [case.node(name, [x])], to=TensorProto.FLOAT)
    return case.finish(case.node("Add", [x, value]))


@operator("MatMul")
def matmul(rng, name):
    m, k, n = (int(d) for d in rng.integers(1, 6, 3))
    batch = shape(rng, axes=int(rng.integers(0, 2)))
    case = Case(13)
    a = normal(rng, batch + [m, k])
    right = [[k, n], [k], batch + [k, n], [1, k, n]][rng.integers(0, 4)]
    b = normal(rng, right)
    other = case.input(b) if len(right) == len(batch) + 2 and rng.random() < 0.5 else case.constant(b)
    return case.finish(case.node(name, [case.input(a), other]))


@operator("Gemm")
def gemm(rng, name):
    k, n = (int(d) for d in rng.integers(1, 6, 2))
    ta, tb = int(rng.random() < 0.3), int(rng.random() < 0.5)
    case = Case(13)
    x = case.input(normal(rng, [1, k]))
    inputs = [case.node("Transpose", [x]) if ta else x, case.constant(normal(rng, [n, k] if tb else [k, n]))]
    if rng.random() < 0.7:
        inputs.append(case.constant(normal(rng, [[n], [1, n], [1], [1, 1]][rng.integers(0, 4)])))
    attributes = {"alpha": uniform(rng, 0.5, 2), "beta": uniform(rng, 0.5, 2)} if rng.random() < 0.5 else {}
    return case.finish(case.node(name, inputs, transA=ta, transB=tb, **attributes))


@operator("Einsum")
def einsum(rng, name):
    equation, left, right = [
        ("bij,bjk->bik", [1, 3, 4], [1, 4, 2]),
        ("bi,bic->bc", [1, 5], [1, 5, 3]),
        ("...i,ij->...j", [1, 2, 3], [3, 4]),
        ("bpc,cd->bpd", [1, 4, 3], [3, 2]),
        ("bpc,bp->bc", [1, 4, 3], [1, 4]),
        ("bij,bij->b", [1, 3, 2], [1, 3, 2]),
        ("bij,bkj->bik", [1, 3, 2], [1, 4, 2]),
    ][rng.integers(0, 7)]
    return one(rng, name, 13, [normal(rng, left), normal(rng, right)], equation=equation)


@operator("BatchNormalization")
def batch_norm(rng, name):
    s = shape(rng, low=2)
    case = Case(15)
    channels = s[1]
    parameters = [normal(rng, [channels]) for _ in range(3)] + [np.abs(normal(rng, [channels])) + 0.1]
    inputs = [case.input(normal(rng, s))] + [case.constant(p) for p in parameters]
    return case.finish(case.node(name, inputs, epsilon=uniform(rng, 1e-5, 1e-2)))


@operator("LayerNormalization")
def layer_norm(rng, name):
    s = shape(rng, low=3, high=6)
    axis = int(rng.integers(1, len(s)))
    case = Case(17)
    inputs = [case.input(normal(rng, s)), case.constant(normal(rng, s[axis:]))]
    if rng.random() < 0.7:
        inputs.append(case.constant(normal(rng, s[axis:])))
    axis = axis - len(s) if rng.random() < 0.5 else axis
    return case.finish(case.node(name, inputs, axis=axis, epsilon=uniform(rng, 1e-5, 1e-2)))


@operator("Softmax", "LogSoftmax")
def softmax(rng, name):
    s = shape(rng, high=6)
    axis = int(rng.integers(-len(s), len(s)))
    return one(rng, name, int(rng.choice([11, 13])), [normal(rng, s, 8.0)], {"axis": axis})


REDUCTIONS = ["Sum", "Mean", "Max", "Min", "Prod", "SumSquare", "L1", "L2"]


@operator(*["Reduce" + r for r in REDUCTIONS])
def reduce(rng, name):
    s = shape(rng, high=5)
    axes = sorted(int(a) for a in rng.choice(len(s), rng.integers(1, len(s) + 1), replace=False))
    axes = [a - len(s) if rng.random() < 0.3 else a for a in axes]
    case = Case(int(rng.choice([11, 13, 18])))
    x = case.input(normal(rng, s))
    keep = int(rng.random() < 0.5)
    if case.opset >= (13 if name == "ReduceSum" else 18):
        return case.finish(case.node(name, [x, case.constant(axes, "i")], keepdims=keep))
    return case.finish(case.node(name, [x], axes=axes, keepdims=keep))


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(rng, name):
    return one(rng, name, 13, [normal(rng, shape(rng, axes=int(rng.integers(2, 4))))])


def window(rng, axes, kernel, name):
    attributes = {"kernel_shape": kernel, "strides": [int(v) for v in rng.integers(1, 4, axes)]}
    if rng.random() < 0.4:
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        # A window narrower than its stride would need negative padding: onnxruntime refuses it.
        attributes["strides"] = [min(s, k) for s, k in zip(attributes["strides"], kernel)]
    else:
        pads = [int(rng.integers(0, k)) for k in kernel + kernel]
        attributes["pads"] = pads
        if name not in ("AveragePool",) and rng.random() < 0.4:
            attributes["dilations"] = [int(v) for v in rng.integers(1, 3, axes)]
    return attributes


@operator("Conv", "ConvTranspose")
def conv(rng, name):
    axes = int(rng.integers(1, 3))
    groups = int(rng.choice([1, 1, 2, 3]))
    into, out = groups * int(rng.integers(1, 3)), groups * int(rng.integers(1, 3))
    if rng.random() < 0.2:  # Depthwise.
        groups = into = into + 1
        out = groups
    kernel = [int(v) for v in rng.integers(1, 4, axes)]
    attributes = window(rng, axes, kernel, name)
    attributes["group"] = groups
    size = [int(v) for v in rng.integers(6, 10, axes)]
    if name == "Conv":
        weights = [out, into // groups] + kernel
    else:
        weights = [into, out // groups] + kernel
        attributes.pop("dilations", None) if rng.random() < 0.5 else None
        strides = attributes["strides"]
        if "auto_pad" not in attributes and rng.random() < 0.5:
            attributes["output_padding"] = [int(rng.integers(0, s)) for s in strides]
    case = Case(int(rng.choice([11, 13])))
    inputs = [case.input(normal(rng, [1, into] + size)), case.constant(normal(rng, weights, 0.5))]
    if rng.random() < 0.6:
        inputs.append(case.constant(normal(rng, [out])))
    return case.finish(case.node(name, inputs, **attributes))


@operator("MaxPool", "AveragePool")
def pool(rng, name):
    axes = int(rng.integers(1, 3))
    kernel = [int(v) for v in rng.integers(1, 4, axes)]
    attributes = window(rng, axes, kernel, name)
    if "auto_pad" not in attributes:
        attributes["ceil_mode"] = int(rng.random() < 0.4)
    if name == "AveragePool":
        attributes["count_include_pad"] = int(rng.random() < 0.5)
    size = [int(v) for v in rng.integers(5, 10, axes)]
    # From 22 on, ceil_mode follows the written rule.
    return one(rng, name, 22, [normal(rng, [1, int(rng.integers(1, 4))] + size)], attributes)


@operator("Pad")
def pad(rng, name):
    s = shape(rng, low=3, high=5)
    mode = str(rng.choice(["constant", "reflect", "edge", "wrap"]))
    case = Case(19 if mode == "wrap" else int(rng.choice([11, 13, 18])))
    low = -1 if mode == "constant" else 0
    axes = list(range(1, len(s)))
    sizes = rng.integers(low, 3, 2 * len(axes))
    x = case.input(normal(rng, s))
    if case.opset >= 18 and rng.random() < 0.6:
        inputs = [x, case.constant(sizes, "i"), case.constant(1.5), case.constant(axes, "i")]
    else:
        half = len(axes)
        full = [0, *sizes[:half], 0, *sizes[half:]]
        inputs = [x, case.constant(full, "i")] + ([case.constant(uniform(rng, -1, 1))] if rng.random() < 0.5 else [])
    return case.finish(case.node(name, inputs, mode=mode))


@operator("Resize", "Upsample")
def resize(rng, name):
    s = shape(rng, low=2, axes=int(rng.integers(2, 4)))
    factors = [1, 1, *(int(k) for k in rng.integers(1, 5, len(s) - 2))]
    case = Case(9 if name == "Upsample" else int(rng.choice([10, 11, 13, 18])))
    x = case.input(normal(rng, s))
    if case.opset < 11:
        return case.finish(case.node(name, [x, case.constant(np.asarray(factors, np.float32))], mode="nearest"))
    rules = [("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("pytorch_half_pixel", "round_prefer_ceil")]
    place, rounding = rules[rng.integers(len(rules))]
    attributes = {"mode": "nearest", "coordinate_transformation_mode": place, "nearest_mode": rounding}
    # Operator set 11 knows no absent inputs, but empty ones.
    empty = case.constant(np.zeros(0, np.float32)) if case.opset < 13 else ""
    if rng.random() < 0.5:
        inputs = [x, empty, case.constant(np.asarray(factors, np.float32))]
    else:
        inputs = [x, empty, empty, case.constant([n * k for n, k in zip(s, factors)], "i")]
    return case.finish(case.node(name, inputs, **attributes))


@operator("ArgMax", "ArgMin")
def arg_max(rng, name):
    s = shape(rng, high=6)
    attributes = {"axis": int(rng.integers(-len(s), len(s))), "keepdims": int(rng.random() < 0.5)}
    attributes["select_last_index"] = int(rng.random() < 0.5)
    return one(rng, name, 13, [rng.integers(-2, 3, s)], attributes)


@operator("TopK")
def top_k(rng, name):
    s = shape(rng, low=3, high=6)
    axis = int(rng.integers(1, len(s)))
    case = Case(11)
    k = case.constant([int(rng.integers(1, s[axis] + 1))], "i")
    # Ties: among equals the lower index comes first.
    x = case.input(rng.integers(-3, 4, s))
    values, indices = case.node(name, [x, k], count=2, axis=axis, largest=int(rng.random() < 0.6))
    return case.finish(values, indices)


@operator("Gather")
def gather(rng, name):
    s = shape(rng, low=2, high=5)
    axis = int(rng.integers(1, len(s)))
    case = Case(13)
    x = case.input(normal(rng, s))
    indices = rng.integers(-s[axis], s[axis], shape(rng, axes=int(rng.integers(0, 2))))
    where = case.input(indices, "i") if rng.random() < 0.5 else case.constant(indices, "i")
    return case.finish(case.node(name, [x, where], axis=axis))


@operator("Slice")
def slice_(rng, name):
    s = shape(rng, low=3, high=6)
    axis = int(rng.integers(1, len(s)))
    n = s[axis]
    start, end, step = [(0, n - 1, 1), (1, 2**31, 2), (-1, -n - 1, -1), (-2, n, 1), (n - 1, 0, -2)][rng.integers(0, 5)]
    case = Case(int(rng.choice([9, 13])))
    x = case.input(normal(rng, s))
    if case.opset < 10:
        return case.finish(case.node(name, [x], axes=[axis], starts=[1], ends=[n]))
    lists = [case.constant([v], "i") for v in (start, end, axis, step)]
    return case.finish(case.node(name, [x] + lists))


@operator("Split")
def split(rng, name):
    s = shape(rng, low=4, high=6)
    axis = int(rng.integers(1, len(s)))
    case = Case(int(rng.choice([11, 13, 18])))
    x = case.input(normal(rng, s))
    sizes = [1, s[axis] - 1]
    if case.opset < 13:
        return case.finish(*case.node(name, [x], count=2, axis=axis, split=sizes))
    if case.opset == 18 and rng.random() < 0.5:
        return case.finish(*case.node(name, [x], count=2, axis=axis, num_outputs=2))
    return case.finish(*case.node(name, [x, case.constant(sizes, "i")], count=2, axis=axis))


@operator("Concat")
def concat(rng, name):
    s = shape(rng)
    axis = int(rng.integers(1, len(s)))
    other = list(s)
    other[axis] += 1
    case = Case(13)
    inputs = [case.input(normal(rng, s)), case.constant(normal(rng, other)), case.input(normal(rng, s))]
    return case.finish(case.node(name, inputs, axis=axis - len(s) if rng.random() < 0.5 else axis))


@operator("Squeeze", "Unsqueeze")
def squeeze(rng, name):
    case = Case(int(rng.choice([11, 13])))
    axes = [1, 3]
    x = case.input(normal(rng, [1, 1, 3, 1] if name == "Squeeze" else [1, 3]))
    if case.opset < 13:
        return case.finish(case.node(name, [x], axes=axes))
    return case.finish(case.node(name, [x, case.constant(axes, "i")]))


@operator("Expand")
def expand(rng, name):
    case = Case(13)
    x = case.input(normal(rng, [1, 3, 1]))
    return case.finish(case.node(name, [x, case.constant([[1, 3, 4], [1, 1, 5], [1, 3, 1]][rng.integers(0, 3)], "i")]))


@operator("Transpose")
def transpose(rng, name):
    s = shape(rng, axes=3)
    perm = [0] + [int(i) + 1 for i in rng.permutation(3)]
    return one(rng, name, 13, [normal(rng, s)], {"perm": perm})


@operator("Reshape", "Flatten")
def reshape(rng, name):
    s = shape(rng, axes=3)
    case = Case(13)
    x = case.input(normal(rng, s))
    if name == "Flatten":
        return case.finish(case.node(name, [x], axis=int(rng.integers(-3, 5))))
    target = [[1, -1], [0, -1, s[3]], [1, s[1] * s[2], s[3]]][rng.integers(0, 3)]
    return case.finish(case.node(name, [x, case.constant(target, "i")]))


@operator("Identity", "Dropout")
def identity(rng, name):
    return one(rng, name, 13, [normal(rng, shape(rng))])


@operator("ml.Scaler")
def scaler(rng, name):
    features = int(rng.integers(2, 6))
    offset = [float(v) for v in normal(rng, [features if rng.random() < 0.6 else 1])]
    scale = [float(v) for v in normal(rng, [features])] if len(offset) > 1 else [uniform(rng, 0.5, 2)]
    x = normal(rng, [1, features])
    return one(rng, "Scaler", 13, [x], {"offset": offset, "scale": scale}, domain="ai.onnx.ml")


@operator("ml.ArrayFeatureExtractor")
def extractor(rng, name):
    case = Case(13)
    x = case.input(normal(rng, [1, 6]))
    if rng.random() < 0.5:
        indices = case.constant(rng.integers(0, 6, 3), "i")
        return case.finish(case.node("ArrayFeatureExtractor", [x, indices], domain="ai.onnx.ml"))
    # The label of the likeliest class, as scikit-learn's converter writes it.
    best = case.node("ArgMax", [x], axis=1)
    classes = case.constant([5, 4, 3, 2, 1, 0])
    return case.finish(case.node("ArrayFeatureExtractor", [classes, best], domain="ai.onnx.ml"))


@operator("ml.LinearRegressor")
def linear(rng, name):
    features, targets = (int(v) for v in rng.integers(1, 5, 2))
    attributes = {
        "coefficients": [float(v) for v in normal(rng, [features * targets])],
        "intercepts": [float(v) for v in normal(rng, [targets])],
        "targets": targets,
    }
    return one(rng, "LinearRegressor", 13, [normal(rng, [1, features])], attributes, domain="ai.onnx.ml")


MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def thresholds(rng, count):
    """Halves, which the features take too, so that equality matters."""
    return np.round(rng.normal(size=count) * 3).astype(np.float32) / 2


def features(rng, count):
    x = thresholds(rng, [1, count])
    x[rng.random(x.shape) < 0.2] = np.nan
    return x


def tree(rng, depth):
    """A tree as nested tuples (feature, mode, threshold, missing, yes, no), a leaf as None."""
    if depth == 0 or rng.random() < 0.15:
        return None
    feature, mode = int(rng.integers(0, 5)), str(rng.choice(MODES))
    return (feature, mode, float(thresholds(rng, 1)[0]), int(rng.integers(0, 2)), tree(rng, depth - 1), tree(rng, depth - 1))


def listed(trees, leaf):
    """The attributes of operator sets 1 and 3; leaf(tree) gives pairs of target and weight."""
    nodes = {k: [] for k in ["treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
                             "missing_value_tracks_true"]}
    leaves = {k: [] for k in ["treeids", "nodeids", "ids", "weights"]}
    for t, root in enumerate(trees):
        queue = [root]
        for i, node in enumerate(queue):
            feature, mode, value, missing, yes, no = node or (0, "LEAF", 0.0, 0, None, None)
            children = (len(queue), len(queue) + 1) if node else (0, 0)
            if node:
                queue += [yes, no]
            row = [t, i, feature, value, mode, *children, missing]
            for key, entry in zip(nodes, row):
                nodes[key].append(entry)
            for target, weight in [] if node else leaf(t):
                for key, entry in zip(leaves, [t, i, target, weight]):
                    leaves[key].append(entry)
    return {f"nodes_{k}": v for k, v in nodes.items()}, leaves


def forest(rng):
    same = str(rng.choice(MODES)) if rng.random() < 0.6 else None
    trees = [tree(rng, int(rng.integers(0, 5))) for _ in range(rng.integers(1, 7))]

    def one_mode(node):
        return node and (node[0], same or node[1], *node[2:4], one_mode(node[4]), one_mode(node[5]))

    return [one_mode(t) for t in trees]


@operator("ml.TreeEnsembleRegressor")
def tree_regressor(rng, name):
    targets = int(rng.integers(1, 4))
    aggregate = str(rng.choice(["SUM", "AVERAGE", "MIN", "MAX"]))
    base = rng.random() < 0.5
    # A target that no leaf gives has no base value in onnxruntime: the importer refuses that.
    all_targets = aggregate in ("MIN", "MAX") or base

    def leaf(t):
        own = range(targets) if all_targets else [int(rng.integers(0, targets))]
        return [(target, uniform(rng, -1, 1)) for target in own]

    nodes, leaves = listed(forest(rng), leaf)
    attributes = {**nodes, **{f"target_{k}": v for k, v in leaves.items()}, "n_targets": targets, "aggregate_function": aggregate}
    if base:
        attributes["base_values"] = [uniform(rng, -1, 1) for _ in range(targets)]
    if targets > 1:
        attributes["post_transform"] = str(rng.choice(["NONE", "LOGISTIC", "SOFTMAX"]))
    return one(rng, "TreeEnsembleRegressor", 13, [features(rng, 5)], attributes, domain="ai.onnx.ml")


@operator("ml.TreeEnsembleClassifier")
def tree_classifier(rng, name):
    classes = int(rng.choice([2, 2, 3, 4]))
    # Of two classes: scores of the first name, as exporters write them, of the second, or of both.
    kind = str(rng.choice(["first", "first", "second", "both"])) if classes == 2 else "all"
    low = -1.0 if rng.random() < 0.6 else 0.0

    def leaf(t):
        if kind in ("first", "second"):
            return [(int(kind == "second"), uniform(rng, low, 1))]
        return [(c, uniform(rng, low, 1)) for c in range(classes)]

    nodes, leaves = listed(forest(rng), leaf)
    attributes = {**nodes, **{f"class_{k}": v for k, v in leaves.items()}}
    attributes["classlabels_int64s"] = list(range(classes))
    if kind in ("first", "all") and rng.random() < 0.5:
        attributes["classlabels_int64s"] = [10 - 3 * c for c in range(classes)]
    attributes["post_transform"] = str(rng.choice(["NONE", "LOGISTIC", "SOFTMAX"]))
    if kind in ("first", "all") and rng.random() < 0.5:
        attributes["base_values"] = [uniform(rng, -1, 1) for _ in range(1 if classes == 2 else classes)]
    case = Case(13)
    x = case.input(features(rng, 5))
    label, scores = case.node("TreeEnsembleClassifier", [x], 2, domain="ai.onnx.ml", **attributes)
    return case.finish(label, scores)


@operator("ml.TreeEnsemble")
def tree_ensemble(rng, name):
    targets = int(rng.integers(1, 3))
    names = ["featureids", "truenodeids", "trueleafs", "falsenodeids", "falseleafs", "missing_value_tracks_true"]
    lists, modes, splits, ids, weights, roots = {k: [] for k in names}, [], [], [], [], []

    def add(node):
        if node is None:
            ids.append(int(rng.integers(0, targets)))
            weights.append(uniform(rng, -1, 1))
            return len(ids) - 1, 1
        place = len(modes)
        modes.append(MODES.index(node[1]))
        splits.append(node[2])
        for key in names:
            lists[key].append(0)
        lists["featureids"][place], lists["missing_value_tracks_true"][place] = node[0], node[3]
        lists["truenodeids"][place], lists["trueleafs"][place] = add(node[4])
        lists["falsenodeids"][place], lists["falseleafs"][place] = add(node[5])
        return place, 0

    for root in forest(rng):
        roots.append(add(root or (0, "BRANCH_LEQ", 0.0, 0, None, None))[0])
    attributes = {f"nodes_{k}": v for k, v in lists.items()}
    attributes["nodes_modes"] = numpy_helper.from_array(np.asarray(modes, np.uint8))
    attributes["nodes_splits"] = numpy_helper.from_array(np.asarray(splits, np.float32))
    attributes["leaf_weights"] = numpy_helper.from_array(np.asarray(weights, np.float32))
    attributes |= {"leaf_targetids": ids, "tree_roots": roots, "n_targets": targets}
    attributes["aggregate_function"] = int(rng.integers(0, 2))
    return one(rng, "TreeEnsemble", 20, [features(rng, 5)], attributes, domain="ai.onnx.ml")


@operator("RNN", "GRU", "LSTM")
def recurrent(rng, name):
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[name]
    length, inputs, hidden = (int(v) for v in rng.integers(1, 6, 3))
    direction = str(rng.choice(["forward", "reverse", "bidirectional"]))
    directions = 2 if direction == "bidirectional" else 1
    case = Case(int(rng.choice([13, 14, 22])))
    # Batch first, as a model has it that is exported with batch_first=True.
    x = case.node("Transpose", [case.input(normal(rng, [1, length, inputs]))], perm=[1, 0, 2])
    rows = gates * hidden
    operands = [x, case.constant(normal(rng, [directions, rows, inputs], 0.6)),
                case.constant(normal(rng, [directions, rows, hidden], 0.6))]
    state = [directions, 1, hidden]
    optional = [
        lambda: case.constant(normal(rng, [directions, 2 * rows], 0.5)),
        lambda: "",
        lambda: case.constant(normal(rng, state) if rng.random() < 0.6 else np.zeros(state)),
    ]
    if name == "LSTM":
        optional += [lambda: case.constant(normal(rng, state)),
                     lambda: case.constant(normal(rng, [directions, 3 * hidden], 0.5))]
    operands += [make() if rng.random() < 0.6 else "" for make in optional]
    while operands[-1] == "":
        operands.pop()
    attributes = {"hidden_size": hidden, "direction": direction}
    if name == "GRU":
        attributes["linear_before_reset"] = int(rng.integers(0, 2))
    if rng.random() < 0.3:
        attributes["clip"] = uniform(rng, 0.3, 2)
    if rng.random() < 0.3:
        count = {"RNN": 1, "GRU": 2, "LSTM": 3}[name]
        functions = ["Sigmoid", "Tanh", "Relu", "Softsign"]
        attributes["activations"] = [str(f) for f in rng.choice(functions, count * directions)]
    elif rng.random() < 0.3:
        # As Keras 2 has it; α and β belong to the functions that have some, in order.
        count = {"RNN": 1, "GRU": 2, "LSTM": 3}[name] * directions
        chosen = [str(f) for f in rng.choice(["HardSigmoid", "Affine", "ScaledTanh", "Elu"], count)]
        attributes["activations"] = chosen
        attributes["activation_alpha"] = [uniform(rng, 0.1, 0.6) for _ in chosen]
        attributes["activation_beta"] = [uniform(rng, 0.2, 0.6) for f in chosen if f != "Elu"]
    results = case.node(name, operands, 3 if name == "LSTM" else 2, **attributes)
    return case.finish(*results)


@operator("Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Asin", "Acos", "Atanh", "Acosh")
def circular(rng, name):
    x = normal(rng, shape(rng))
    if name == "Tan":
        x = np.clip(x, -1.4, 1.4)
    elif name in ("Asin", "Acos", "Atanh"):
        x = np.tanh(x / 2)
    elif name == "Acosh":
        x = 1.01 + np.abs(x)
    return one(rng, name, 13, [x])


@operator("Mod")
def remainder(rng, name):
    a, b = pair(rng)
    case = Case(13)
    if rng.random() < 0.5:
        divisor = rng.integers(1, 6, b) * rng.choice([-1, 1], b)
        fmod = int(rng.random() < 0.5)
        x, y = case.operand(rng.integers(-20, 21, a), "i"), case.operand(divisor, "i")
        return case.finish(case.node("Cast", [case.node(name, [x, y], fmod=fmod)], to=TensorProto.FLOAT))
    divisor = np.where(rng.random(b) < 0.5, np.float32(1.5), np.float32(-0.75))
    return case.finish(case.node(name, [case.operand(normal(rng, a, 4)), case.operand(divisor)], fmod=1))


@operator("Div.whole", "Mod.whole")
def whole(rng, name):
    """Places over a width, as TopK over a flattened image gives them; integers of both signs."""
    case = Case(13)
    divisor = case.constant(int(rng.integers(1, 12)), "i")
    if rng.random() < 0.5:
        x = case.input(normal(rng, [1, 40]))
        _, codes = case.node("TopK", [x, case.constant([8], "i")], 2)
    else:
        codes = case.input(rng.integers(-200, 201, [1, 30]), "i")
    more = {} if name == "Div.whole" else {"fmod": int(rng.random() < 0.5)}
    return case.finish(case.node(name.removesuffix(".whole"), [codes, divisor], **more))


@operator("CumSum")
def cumulative(rng, name):
    s = shape(rng, high=6)
    axis = int(rng.integers(1, len(s)))
    case = Case(int(rng.choice([11, 14])))
    flags = {f: int(rng.random() < 0.5) for f in ("exclusive", "reverse")}
    along = case.constant(axis - len(s) if rng.random() < 0.5 else axis, "i")
    if rng.random() < 0.3:
        counts = case.node(name, [case.constant(rng.integers(-4, 5, s), "i"), along], **flags)
        return case.finish(case.node("Add", [case.input(normal(rng, s)), case.node("Cast", [counts], to=TensorProto.FLOAT)]))
    return case.finish(case.node(name, [case.input(normal(rng, s)), along], **flags))


@operator("OneHot")
def one_hot(rng, name):
    s = shape(rng)
    depth = int(rng.integers(2, 6))
    case = Case(13)
    # Outside of the depth is no class.
    codes = case.input(rng.integers(-depth - 1, depth + 2, s), "i")
    values = case.constant([0.0, 1.0] if rng.random() < 0.5 else [-0.5, 2.0])
    return case.finish(case.node(name, [codes, case.constant([depth], "i"), values], axis=int(rng.integers(-1, len(s) + 1))))


@operator("Hardmax")
def hardmax(rng, name):
    s = shape(rng, high=6)
    return one(rng, name, 13, [rng.integers(-3, 4, s)], {"axis": int(rng.integers(1, len(s)))})


@operator("Trilu", "EyeLike")
def triangle(rng, name):
    s = shape(rng, low=2, high=5, axes=2)
    case = Case(14)
    x = case.input(normal(rng, s))
    if name == "EyeLike":
        square = case.node("Reshape", [x, case.constant(s[1:], "i")])
        return case.finish(case.node("Add", [x, case.node(name, [square], k=int(rng.integers(-2, 3)))]))
    k = [case.constant(int(rng.integers(-2, 3)), "i")] if rng.random() < 0.7 else []
    return case.finish(case.node(name, [x] + k, upper=int(rng.random() < 0.5)))


@operator("IsNaN", "IsInf")
def not_finite(rng, name):
    """nan_to_num, as exporters spell it; events have no NaN."""
    case = Case(13)
    x = case.input(normal(rng, shape(rng)))
    odd = case.node(name, [x])
    if name == "IsInf":
        odd = case.node("And", [odd, case.node("Greater", [x, case.constant(0.0)])])
    return case.finish(case.node("Where", [odd, case.constant(7.0), x]))


@operator("If")
def branch(rng, name):
    """A branch of its own with a constant and a value from outside; the condition follows from a shape."""
    case = Case(13)
    x = case.input(normal(rng, [1, int(rng.integers(2, 4)), 1]))
    extent = case.node("Gather", [case.node("Shape", [x]), case.constant(1, "i")], axis=0)
    condition = case.node("Equal", [extent, case.constant(2, "i")])

    def body(factor, operator):
        constant = numpy_helper.from_array(np.float32(factor), f"own{factor}")
        nodes = [helper.make_node("Mul", [x, f"own{factor}"], [f"inner{factor}"]),
                 helper.make_node(operator, [f"inner{factor}"], [f"result{factor}"])]
        out = [helper.make_empty_tensor_value_info(f"result{factor}")]
        return helper.make_graph(nodes, "body", [], out, [constant])

    return case.finish(case.node(name, [condition], then_branch=body(2, "Tanh"), else_branch=body(3, "Relu")))


@operator("ThresholdedRelu", "Swish", "Shrink")
def later_activations(rng, name):
    attributes = {}
    if name == "Shrink":
        lambd = uniform(rng, 0.2, 1)
        attributes = {"lambd": lambd, "bias": [0.0, lambd, uniform(rng, 0, 1)][rng.integers(0, 3)]}
    elif rng.random() < 0.7:
        attributes["alpha"] = uniform(rng, 0.2, 2)
    return one(rng, name, 24 if name == "Swish" else 13, [normal(rng, shape(rng))], attributes)


@operator("RMSNormalization")
def rms_norm(rng, name):
    s = shape(rng, low=3, high=6)
    axis = int(rng.integers(1, len(s)))
    case = Case(23)
    inputs = [case.input(normal(rng, s)), case.constant(normal(rng, s[axis:]))]
    return case.finish(case.node(name, inputs, axis=axis - len(s) if rng.random() < 0.5 else axis, epsilon=1e-5))


@operator("InstanceNormalization", "GroupNormalization", "MeanVarianceNormalization", "LpNormalization", "LRN", "GlobalLpPool")
def norms(rng, name):
    s = [1, 4, int(rng.integers(2, 5)), int(rng.integers(2, 5))]
    x = normal(rng, s)
    if name == "LpNormalization":
        return one(rng, name, 13, [x], {"axis": int(rng.integers(1, 4)), "p": int(rng.integers(1, 3))})
    if name == "LRN":
        return one(rng, name, 13, [x], {"size": int(rng.choice([1, 3, 5])), "alpha": uniform(rng, 0.1, 1), "bias": 1.5})
    if name == "GlobalLpPool":
        return one(rng, name, 13, [x], {"p": int(rng.integers(1, 3))})
    if name == "MeanVarianceNormalization":
        return one(rng, name, 13, [x], {"axes": [2, 3]} if rng.random() < 0.5 else {})
    case = Case(21 if name == "GroupNormalization" else 13)
    inputs = [case.input(x), case.constant(normal(rng, [4])), case.constant(normal(rng, [4]))]
    more = {"num_groups": int(rng.choice([1, 2, 4]))} if name == "GroupNormalization" else {}
    return case.finish(case.node(name, inputs, epsilon=1e-4, **more))


@operator("further.outputs")
def further(rng, name):
    """Results beside the first: where the largest element is, what was kept, mean and reciprocal deviation."""
    case = Case(17)
    kind = rng.integers(0, 3)
    if kind == 0:
        x = case.input(rng.integers(-3, 4, [1, 2, 5, 6]))
        return case.finish(*case.node("MaxPool", [x], 2, kernel_shape=[2, 3], strides=[2, 2], pads=[0, 1, 1, 1],
                                      storage_order=int(rng.random() < 0.5)))
    x = case.input(normal(rng, [1, 3, 6]))
    if kind == 1:
        return case.finish(*case.node("Dropout", [x], 2))
    return case.finish(*case.node("LayerNormalization", [x, case.constant(normal(rng, [6]))], 3))


@operator("Einsum.many")
def einsum_many(rng, name):
    equation, *shapes = [
        ("bi,ij,bj->b", [1, 3], [3, 4], [1, 4]),
        ("bhd,hde,be->bh", [1, 2, 3], [2, 3, 4], [1, 4]),
        ("bp,bpc,cd->bd", [1, 5], [1, 5, 3], [3, 2]),
        ("bi,bj,bk->bijk", [1, 2], [1, 3], [1, 2]),
    ][rng.integers(0, 4)]
    return one(rng, "Einsum", 13, [normal(rng, s) for s in shapes], equation=equation)


@operator("ms.FusedGemm", "ms.FusedMatMul", "ms.FusedConv", "ms.Gelu", "ms.BiasGelu", "ms.FastGelu", "ms.QuickGelu",
          "ms.SkipLayerNormalization", "ms.SimplifiedLayerNormalization", "ms.SkipSimplifiedLayerNormalization")
def microsoft(rng, name):
    name = name.removeprefix("ms.")
    case = Case(17)
    c = lambda *s: case.constant(normal(rng, s, 0.7))
    ms = lambda inputs, count=1, **more: case.node(name, inputs, count, domain="com.microsoft", **more)
    if name == "FusedGemm":
        inputs = [case.input(normal(rng, [1, 4])), c(3, 4), c(3)]
        more = [{"activation": "Relu"}, {"activation": "LeakyRelu", "activation_alpha": 0.25}, {"activation": "Tanh"}]
        return case.finish(ms(inputs, transB=1, **more[rng.integers(0, 3)]))
    if name == "FusedMatMul":
        a, b = int(rng.random() < 0.5), int(rng.random() < 0.5)
        x = case.input(normal(rng, [1, 4, 3] if a else [1, 3, 4]))
        return case.finish(ms([x, c(*([1, 2, 4] if b else [1, 4, 2]))], transA=a, transB=b, alpha=uniform(rng, 0.5, 2)))
    if name == "FusedConv":
        inputs = [case.input(normal(rng, [1, 2, 5, 5])), c(3, 2, 3, 3), c(3)]
        if rng.random() < 0.5:
            inputs.append(c(1, 3, 3, 3))
        more = [{"activation": "Relu"}, {"activation": "Clip", "activation_params": [-0.5, 1.5]},
                {"activation": "HardSigmoid", "activation_params": [0.25, 0.5]}]
        return case.finish(ms(inputs, **more[rng.integers(0, 3)]))
    x = case.input(normal(rng, [1, 3, 6]))
    if name in ("Gelu", "QuickGelu"):
        return case.finish(ms([x]))
    if name in ("BiasGelu", "FastGelu"):
        return case.finish(ms([x, c(6)]))
    if name == "SimplifiedLayerNormalization":
        return case.finish(case.node(name, [x, c(6)], axis=-1, epsilon=1e-5))
    inputs = [x, case.input(normal(rng, [1, 3, 6])), c(6)]
    if name == "SkipLayerNormalization":
        inputs.append(c(6))
    if rng.random() < 0.5:
        inputs.append(c(6))
    return case.finish(ms(inputs, epsilon=1e-5))


@operator("ScatterElements", "ScatterND")
def scatter(rng, name):
    reduction = str(rng.choice(["none", "add", "mul", "max", "min"]))
    case = Case(18)
    s = [1, int(rng.integers(3, 6)), int(rng.integers(2, 4))]
    x = case.input(normal(rng, s))
    known = rng.random() < 0.5
    count = int(rng.integers(1, 4)) if reduction == "none" or rng.random() < 0.5 else 5
    # Replaced places are distinct: of several updates of one the specification does not say which stays.
    rows = rng.permutation(s[1])[:count] if reduction == "none" else rng.integers(0, s[1], count)
    rows = np.where(rng.random(len(rows)) < 0.3, rows - s[1], rows)
    updates = case.input(normal(rng, [1, len(rows), s[2]]))
    if name == "ScatterElements":
        indices = np.broadcast_to(rows[None, :, None], [1, len(rows), s[2]])
        where = case.constant(indices, "i") if known else case.input(indices, "i")
        return case.finish(case.node(name, [x, where, updates], axis=1, reduction=reduction))
    indices = np.stack([np.zeros_like(rows), rows], -1)[None]
    where = case.constant(indices, "i") if known else case.input(indices, "i")
    return case.finish(case.node(name, [x, where, updates], reduction=reduction))


@operator("DepthToSpace", "SpaceToDepth", "ReverseSequence", "Compress")
def rearranged(rng, name):
    case = Case(13)
    if name == "ReverseSequence":
        x = case.input(normal(rng, [1, 5, 3]))
        return case.finish(case.node(name, [x, case.constant([int(rng.integers(1, 6))], "i")], time_axis=1, batch_axis=0))
    if name == "Compress":
        x = case.input(normal(rng, [1, 4, 3]))
        return case.finish(case.node(name, [x, case.constant([1, 0, 1], "b")], axis=int(rng.integers(1, 3))))
    x = case.input(normal(rng, [1, 8, 4, 2]))
    more = {"mode": str(rng.choice(["DCR", "CRD"]))} if name == "DepthToSpace" else {}
    return case.finish(case.node(name, [x], blocksize=2, **more))


@operator("Resize.between")
def interpolated(rng, name):
    s = [1, 2, int(rng.integers(3, 6)), int(rng.integers(3, 6))]
    case = Case(int(rng.choice([11, 13, 18, 19])))
    x = case.input(normal(rng, s))
    places = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
    attributes = {"mode": str(rng.choice(["linear", "cubic"])), "coordinate_transformation_mode": str(rng.choice(places))}
    empty = case.constant(np.zeros(0, np.float32)) if case.opset < 13 else ""
    if rng.random() < 0.5:
        inputs = [x, empty, case.constant(np.asarray([1, 1, 2, float(rng.choice([1.5, 2, 3]))], np.float32))]
    else:
        inputs = [x, empty, empty, case.constant([*s[:2], int(rng.integers(2, 9)), int(rng.integers(2, 9))], "i")]
    return case.finish(case.node("Resize", inputs, **attributes))


@operator("Attention")
def attention(rng, name):
    heads, shared, rows, keys, width = 4, int(rng.choice([1, 2, 4])), 3, 5, 2
    case = Case(int(rng.choice([23, 24])))
    flat = rng.random() < 0.5
    make = lambda h, n: case.input(normal(rng, [1, n, h * width] if flat else [1, h, n, width]))
    inputs = [make(heads, rows), make(shared, keys), make(shared, keys)]
    attributes = {"q_num_heads": heads, "kv_num_heads": shared} if flat else {}
    kind = rng.integers(0, 3)
    if kind == 0:
        attributes["is_causal"] = 1
    elif kind == 1:
        truths = rng.random([rows, keys]) < 0.6
        truths[:, 0] = True
        inputs.append(case.constant(truths, "b"))
    else:
        inputs.append(case.constant(normal(rng, [rows, keys])))
    if rng.random() < 0.5:
        attributes["scale"] = uniform(rng, 0.3, 1)
    return case.finish(case.node(name, inputs, **attributes))


@operator("ms.CDist")
def distances(rng, name):
    case = Case(13)
    inputs = [case.input(normal(rng, [1, 4])), case.constant(normal(rng, [5, 4]))]
    return case.finish(case.node("CDist", inputs, domain="com.microsoft", metric=str(rng.choice(["euclidean", "sqeuclidean"]))))


@operator("ml.LinearClassifier")
def linear_classifier(rng, name):
    features, classes = int(rng.integers(1, 5)), int(rng.integers(2, 5))
    rows = 1 if classes == 2 and rng.random() < 0.5 else classes
    attributes = {
        "coefficients": [float(v) for v in normal(rng, [features * rows])],
        "intercepts": [float(v) for v in normal(rng, [rows])],
        "classlabels_ints": [3 * c + 1 for c in range(classes)] if rng.random() < 0.5 else list(range(classes)),
        "post_transform": str(rng.choice(["NONE", "LOGISTIC"] if rows == 1 else ["NONE", "LOGISTIC", "SOFTMAX"])),
    }
    case = Case(13)
    x = case.input(normal(rng, [1, features]))
    return case.finish(*case.node("LinearClassifier", [x], 2, domain="ai.onnx.ml", **attributes))


@operator("ml.SVMRegressor", "ml.SVMClassifier")
def machine(rng, name):
    name = name.removeprefix("ml.")
    features = int(rng.integers(1, 5))
    kernel = str(rng.choice(["LINEAR", "POLY", "RBF", "SIGMOID"]))
    attributes = {"kernel_type": kernel, "kernel_params": [uniform(rng, 0.1, 0.5), uniform(rng, 0, 1), 3.0]}
    case = Case(13)
    x = case.input(normal(rng, [1, features]))
    if name == "SVMRegressor":
        count = int(rng.integers(1, 6))
        attributes |= {"coefficients": [float(v) for v in normal(rng, [count])], "rho": [uniform(rng, -1, 1)],
                       "n_supports": count, "support_vectors": [float(v) for v in normal(rng, [count * features])]}
        return case.finish(case.node(name, [x], domain="ai.onnx.ml", **attributes))
    classes = int(rng.integers(2, 5))
    sizes = [int(v) for v in rng.integers(1, 4, classes)]
    count, pairs = sum(sizes), classes * (classes - 1) // 2
    # Coefficients of both signs, as a machine that was trained has them.
    attributes |= {"coefficients": [float(v) for v in normal(rng, [(classes - 1) * count])],
                   "rho": [uniform(rng, -1, 1) for _ in range(pairs)], "vectors_per_class": sizes,
                   "support_vectors": [float(v) for v in normal(rng, [count * features])],
                   "classlabels_ints": list(range(classes))}
    if classes == 2 and rng.random() < 0.5:
        attributes |= {"prob_a": [uniform(rng, -2, -0.5)], "prob_b": [uniform(rng, -1, 1)]}
    return case.finish(*case.node(name, [x], 2, domain="ai.onnx.ml", **attributes))


@operator("ml.Normalizer", "ml.Imputer", "ml.Binarizer", "ml.OneHotEncoder", "ml.LabelEncoder", "ml.FeatureVectorizer")
def preprocessing(rng, name):
    name = name.removeprefix("ml.")
    case = Case(13)
    ml = lambda inputs, **more: case.node(name, inputs, domain="ai.onnx.ml", **more)
    if name == "Normalizer":
        x = np.abs(normal(rng, [1, 5])) + 0.1 if rng.random() < 0.5 else normal(rng, [1, 5])
        x[0, 0] = abs(x[0, 0])
        return case.finish(ml([case.input(x)], norm=str(rng.choice(["MAX", "L1", "L2"]))))
    if name == "Imputer":
        replaced = float("nan") if rng.random() < 0.5 else -2.0
        x = case.input(rng.integers(-3, 4, [1, 5]))
        return case.finish(ml([x], imputed_value_floats=[float(v) for v in range(5)], replaced_value_float=replaced))
    if name == "Binarizer":
        return case.finish(ml([case.input(normal(rng, [1, 5]))], threshold=uniform(rng, -1, 1)))
    codes = case.input(rng.integers(0, 5, [1, 3]), "i")
    if name == "OneHotEncoder":
        return case.finish(ml([codes], cats_int64s=[4, 0, 2], zeros=1))
    if name == "LabelEncoder":
        return case.finish(ml([codes], keys_int64s=[0, 2, 4], values_floats=[0.5, -1.0, 3.0], default_float=9.0))
    inputs = [case.input(normal(rng, [1, 2])), case.input(normal(rng, [1, 3]))]
    return case.finish(ml(inputs, inputdimensions=[2, 3]))


@operator("ml.shared.subtrees")
def shared(rng, name):
    """A category among several, as LightGBM's converter writes it: a chain of equalities to one and the same subtree."""
    chain = int(rng.integers(2, 5))
    modes = ["BRANCH_EQ"] * chain + ["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"]
    yes, no = chain, chain + 1
    count = len(modes)
    attributes = {
        "nodes_treeids": [0] * count, "nodes_nodeids": list(range(count)), "nodes_modes": modes,
        "nodes_featureids": [1] * chain + [0, 0, 0, 0],
        "nodes_values": [float(2 * k + 1) for k in range(chain)] + [0.0] * 4,
        "nodes_truenodeids": [yes] * chain + [chain + 2, 0, 0, 0],
        "nodes_falsenodeids": [*range(1, chain), no] + [chain + 3, 0, 0, 0],
        "target_treeids": [0] * 3, "target_nodeids": [chain + 1, chain + 2, chain + 3], "target_ids": [0] * 3,
        "target_weights": [0.5, -1.0, 2.0], "n_targets": 1,
    }
    x = rng.integers(-1, 10, [1, 2]).astype(np.float32)
    return one(rng, "TreeEnsembleRegressor", 13, [x], attributes, domain="ai.onnx.ml")


@operator("local.function")
def function(rng, name):
    """A function of the model's own, with an attribute, called by another function and twice by the graph."""
    alpha = onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope")
    leaky = helper.make_node("LeakyRelu", ["t"], ["y"])
    leaky.attribute.append(alpha)
    inner = helper.make_function(
        "own", "Inner", ["x", "w"], ["y"],
        [helper.make_node("MatMul", ["x", "w"], ["t"]), leaky],
        [helper.make_opsetid("", 13)], attributes=["slope"],
    )
    call = helper.make_node("Inner", ["a", "b"], ["h"], domain="own", slope=0.25)
    outer = helper.make_function(
        "own", "Outer", ["a", "b"], ["z"],
        [call, helper.make_node("Tanh", ["h"], ["z"])],
        [helper.make_opsetid("", 13), helper.make_opsetid("own", 1)],
    )
    case = Case(13, [inner, outer])
    x = case.input(normal(rng, [1, 4]))
    y = case.node("Outer", [x, case.constant(normal(rng, [4, 3]))], domain="own")
    z = case.node("Inner", [y, case.constant(normal(rng, [3, 2]))], domain="own", slope=0.5)
    return case.finish(z, y)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=4, help="cases per operator")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path(__file__).parent / "cases.npz")
    arguments = parser.parse_args()
    arrays = {}
    for operator, function in sorted(CASES.items()):
        # Windows have more to choose from.
        rich = operator in ("Conv", "ConvTranspose", "MaxPool", "AveragePool", "Pad", "GRU", "LSTM") or "Tree" in operator
        for index in range(arguments.cases * (4 if rich else 1)):
            seed = [arguments.seed, index, *operator.encode()]
            data, inputs, outputs = function(np.random.default_rng(seed), operator)
            name = f"{operator}.{index}"
            arrays[f"{name}.model"] = np.frombuffer(data, np.uint8)
            for i, value in enumerate(inputs.values()):
                arrays[f"{name}.in{i}"] = np.asarray(value, np.float32)
            for i, value in enumerate(outputs):
                arrays[f"{name}.out{i}"] = np.asarray(value, np.float32)
    np.savez_compressed(arguments.output, **arrays)
    print(f"{arguments.output}: {sum(k.endswith('.model') for k in arrays)} cases")


if __name__ == "__main__":
    main()
