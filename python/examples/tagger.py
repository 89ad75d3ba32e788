"""From a torch module to a ROC curve, cell by cell as in a notebook: `python python/examples/tagger.py`."""

# %% Jets: constituents as (pT in GeV, η, φ) from the axis, zeros where there is none; signal has two prongs.
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

import hodoscope

SLOTS = 16
rng = np.random.default_rng(1)


def jets(events: int) -> tuple[np.ndarray, np.ndarray]:
    """Constituents, `(events, slots, 3)`, and labels: 1 for signal."""
    labels = rng.integers(0, 2, events)
    counts = rng.integers(6, SLOTS + 1, events)
    # Prongs lie at ±0.25 in η, on the axis for background.
    axis = np.where(rng.random((events, SLOTS)) < 0.5, 0.25, -0.25) * labels[:, None]
    x = np.empty((events, SLOTS, 3), np.float32)
    x[..., 0] = np.sort(rng.exponential(12, (events, SLOTS)), axis=1)[:, ::-1] + 0.5
    x[..., 1] = axis + rng.normal(0, 0.2, (events, SLOTS))
    x[..., 2] = rng.normal(0, 0.2, (events, SLOTS))
    x[np.arange(SLOTS) >= counts[:, None]] = 0
    return x, labels


x, labels = jets(6000)
x_test, labels_test = jets(3000)


# %% A particle flow network, trained: Φ of each constituent, summed, then F.
def trained() -> tuple[bytes, str]:
    """The network as ONNX, and what made it."""
    try:
        import torch
    except ModuleNotFoundError:
        return by_hand(), "weights chosen by hand: `pip install torch` trains them"

    class Tagger(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.phi = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 8), torch.nn.ReLU())
            self.f = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            live = (x[..., :1] > 0).to(x.dtype)
            return self.f((self.phi(x * torch.tensor([0.02, 1.0, 1.0])) * live).sum(dim=1))

    torch.manual_seed(1)
    tagger, events, truth = Tagger(), torch.tensor(x), torch.tensor(labels, dtype=torch.float32)
    optimiser = torch.optim.Adam(tagger.parameters(), lr=5e-3)
    for _ in range(200):
        optimiser.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(tagger(events)[:, 0], truth)
        loss.backward()
        optimiser.step()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            tagger.eval(), (events[:1],), str(path), dynamo=False, opset_version=13,
            input_names=["x"], output_names=["logit"], dynamic_axes={"x": {0: "events"}, "logit": {0: "events"}},
        )  # fmt: skip
        return path.read_bytes(), "trained with torch"


def by_hand() -> bytes:
    """The same network with weights that tell the width in η."""
    from onnx import TensorProto, helper, numpy_helper

    # Φ: |η| beyond 0.15 on either side, and one for each constituent; F: the first two over the third.
    phi = np.zeros((3, 4), np.float32)
    phi[1, 0], phi[1, 1] = 1, -1
    constants = {
        "scale": np.array([0.02, 1, 1], np.float32), "zero": np.zeros(1, np.float32),
        "phi": phi, "offset": np.array([-0.15, -0.15, 1, 0], np.float32),
        "f": np.array([[4], [4], [-0.8], [0]], np.float32), "bias": np.zeros(1, np.float32),
        "starts": np.array([0]), "ends": np.array([1]), "last": np.array([2]), "one": np.array([1]),
    }  # fmt: skip
    nodes = [
        helper.make_node("Slice", ["x", "starts", "ends", "last"], ["pt"]),
        helper.make_node("Greater", ["pt", "zero"], ["is_live"]),
        helper.make_node("Cast", ["is_live"], ["live"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["x", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["scaled", "phi"], ["product"]),
        helper.make_node("Add", ["product", "offset"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["features"]),
        helper.make_node("Mul", ["features", "live"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "one"], ["pooled"], keepdims=0),
        helper.make_node("Gemm", ["pooled", "f", "bias"], ["logit"]),
    ]
    graph = helper.make_graph(
        nodes, "tagger",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["events", SLOTS, 3])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["events", 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


model, how = trained()
print(how)

# %% Detector words: what the calorimeter sends. LSBs and ranges in the units of the values.
words = {
    "input": {
        "x": {
            "capacity": SLOTS,
            "field": [
                {"name": "pt", "unit": "GeV", "lsb": 0.25, "minimum": 0, "maximum": 4095},
                {"name": "eta", "unit": "1", "lsb": 1 / 64, "minimum": -128, "maximum": 127},
                {"name": "phi", "unit": "rad", "lsb": 1 / 64, "minimum": -128, "maximum": 127},
            ],
        }
    }
}

# %% Compiled: 8-bit weights, formats from calibration events. A loss over tolerance is an exception that says what helps:
# with activations of 8 bits it was one, for the AUC.
program = hodoscope.compile(
    model, calibration={"x": x[:2000], "labels": labels[:2000]}, inputs=words, activations=16, name="tagger"
)
print(program)

# %% Judged against the float network.
evaluation = program.evaluate({"x": x_test}, labels_test)
print(evaluation)

# %% The ROC curve of the bits themselves: each raw is a threshold that a board can have.
raws = program.run({"x": x_test})["logit.raw"][:, 0]
thresholds = np.unique(raws)[::-1]
signal, background = np.sort(raws[labels_test == 1]), np.sort(raws[labels_test == 0])
efficiency = 1 - np.searchsorted(signal, thresholds) / len(signal)
mistagged = 1 - np.searchsorted(background, thresholds) / len(background)
area = np.trapezoid(np.r_[0, efficiency], np.r_[0, mistagged]) if hasattr(np, "trapezoid") else np.trapz(
    np.r_[0, efficiency], np.r_[0, mistagged]
)  # fmt: skip
print(f"area under the curve: {area:.5f}")
assert abs(area - evaluation["auc_fixed"]) < 1e-9

# %% The threshold for 10 % of background, and what it accepts.
working_point = evaluation["thresholds"][0]["threshold_raw"]
accepted = program.decide({"x": x_test}, raw=working_point)
print(f"raw ≥ {working_point}: {accepted[labels_test == 1].mean():.1%} of signal, {accepted[labels_test == 0].mean():.1%} of background")

# %% The emitted code in this process: the same bits, faster.
if "--without-native" not in sys.argv:
    np.testing.assert_array_equal(program.native().run({"x": x_test})["logit.raw"][:, 0], raws)

# %% Drawn, where matplotlib is there.
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ModuleNotFoundError:
    print("`pip install matplotlib` draws it")
else:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plt.plot(efficiency, mistagged)
        plt.yscale("log")
        plt.xlabel("signal efficiency")
        plt.ylabel("background efficiency")
        plt.savefig("roc.png")
