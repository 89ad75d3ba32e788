"""Networks of HGQ2 as tf2onnx exports them, with onnxruntime's results: what `exact/oracle.rs` compiles.

    python -m venv v && v/bin/pip install HGQ2==0.2.0 keras==3.15.1 tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnxruntime==1.32.0
    v/bin/python hgq2.py        writes hgq2.npz beside this file

Each rounding mode that HGQ2 has and integers can follow, with activations that wrap or saturate; a layer over the rows of a
set. Every element has a width of its own, some none at all, and events are wide enough to leave most of them. Arrays:
NAME.model (bytes of the ONNX file), NAME.x, NAME.out (float32).
"""

import os
import pathlib
import tempfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from hgq.config import LayerConfigScope, QuantizerConfigScope
from hgq.layers import QDense

EVENTS = 60
ROUNDINGS = ["RND", "TRN", "RND_CONV", "TRN_ZERO", "RND_INF", "RND_ZERO"]


def network(rounding, overflow, shape):
    keras.utils.set_random_seed(3)
    weights = QuantizerConfigScope(place="all", default_q_type="kif", round_mode="RND", overflow_mode="SAT_SYM")
    activations = QuantizerConfigScope(place="datalane", round_mode=rounding, overflow_mode=overflow, i0=2, f0=3, k0=True)
    with weights, activations, LayerConfigScope(enable_ebops=False):
        x = keras.Input(shape)
        y = QDense(6, activation="relu", name="first")(x)
        y = QDense(4, activation="relu", name="second")(y)
        if len(shape) > 1:
            y = keras.ops.sum(y, axis=1)
        y = QDense(2, name="third")(y)
    return keras.Model(x, y)


def widen(model, rng):
    """Gives each activation its own digits before and behind the point; no digits at all to some."""
    for layer in model.layers:
        if isinstance(layer, QDense):
            for variable in layer.iq.quantizer.variables:
                name = variable.path.split("/")[-1]
                if name in ("i", "f"):
                    digits = np.asarray(variable.numpy()) + rng.integers(-2, 2, variable.shape)
                    digits[rng.random(variable.shape) < 0.1] = -2
                    variable.assign(digits.astype(np.float32))


def exported(name, rounding, overflow, shape, opset, rng, arrays):
    model = network(rounding, overflow, shape)
    widen(model, rng)
    signature = [tf.TensorSpec((None, *shape), tf.float32, name="x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    # Quarters and eighths among them, for ties.
    x = rng.normal(0, 3, (EVENTS, *shape))
    x[::2] = np.round(x[::2] * 16) / 16
    x = x.astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.onnx"
        tf2onnx.convert.from_function(function, input_signature=signature, opset=opset, output_path=str(path))
        out = ort.InferenceSession(str(path)).run(None, {"x": x})[0]
        arrays[f"{name}.model"] = np.frombuffer(path.read_bytes(), np.uint8)
    assert np.array_equal(out, np.asarray(model(x, training=False))), name
    arrays[f"{name}.x"], arrays[f"{name}.out"] = x, out


def main():
    rng, arrays = np.random.default_rng(1), {}
    for rounding in ROUNDINGS:
        exported(f"wrap_{rounding}", rounding, "WRAP", (8,), 13, rng, arrays)
    for overflow in ["SAT", "SAT_SYM"]:
        for rounding in ["RND", "TRN", "RND_CONV"]:
            exported(f"{overflow.lower()}_{rounding}", rounding, overflow, (8,), 18, rng, arrays)
    exported("set_RND", "RND", "WRAP", (5, 3), 13, rng, arrays)
    np.savez_compressed(pathlib.Path(__file__).with_name("hgq2.npz"), **arrays)


if __name__ == "__main__":
    main()
