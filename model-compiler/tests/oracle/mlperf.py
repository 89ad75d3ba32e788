"""The MLPerf Tiny autoencoder as onnxruntime computes it in integers: what `exact/mlperf.rs` compares with.

    python -m venv v && v/bin/pip install numpy==2.4.6 onnxruntime==1.32.0
    v/bin/python mlperf.py FOLDER    with the network and its features; writes mlperf.npz beside this file

Array out: int8 [196, 640], the output's stored integers for every window of five frames. onnxruntime's integer kernels are
those of its default optimisation; without any, its floats give 2 of the 125,440 numbers otherwise.
"""

import pathlib
import sys

import numpy as np
import onnxruntime as ort

FRAMES, BANDS, WINDOW = 200, 128, 5
# Of the last DequantizeLinear.
SCALE, ZERO = np.float32(0.30842552), 112

folder = pathlib.Path(sys.argv[1])
features = np.fromfile(folder / "normal_id_01_00000000_hist_librosa.bin", "<f4").reshape(FRAMES, BANDS)
session = ort.InferenceSession(folder / "deep_autoencoder.onnx", providers=["CPUExecutionProvider"])
windows = [features[i : i + WINDOW].reshape(1, -1) for i in range(FRAMES - WINDOW + 1)]
out = np.concatenate([session.run(None, {"input_1": window})[0] for window in windows])
integers = np.rint(out / SCALE) + ZERO
assert np.abs((integers - ZERO) * SCALE - out).max() < 1e-5
np.savez_compressed(pathlib.Path(__file__).with_name("mlperf.npz"), out=integers.astype(np.int8))
