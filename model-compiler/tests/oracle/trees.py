"""Decision trees as scikit-learn and XGBoost train and export them, with onnxruntime's results: what `trees.rs` compiles.

    python -m venv v && v/bin/pip install numpy==2.* onnx==1.22.0 onnxruntime==1.31.1 scikit-learn==1.9.1 \\
        skl2onnx==1.20.0 xgboost==3.2.0 onnxmltools==1.16.0
    v/bin/python trees.py        writes trees.npz beside this file

Signal and background differ in mass, tau21, multiplicity, width and b-tag score; the features lie on a grid of 1/64, as a
detector would send them. Arrays: NAME.model (bytes of the ONNX file), NAME.outK (float32), and x, the same for all.
"""

import pathlib

import numpy as np
import onnxmltools
import onnxruntime as ort
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn import ensemble, tree

TRAINING, EVENTS = 3000, 400


def jets(rng, count):
    kind = rng.integers(0, 3, count)
    mass = rng.gamma(4 + 3 * kind, 12)
    tau21 = np.clip(rng.normal(0.7 - 0.2 * (kind == 1), 0.15), 0, 1)
    multiplicity = rng.poisson(25 + 12 * (kind == 0))
    width = rng.exponential(0.1 + 0.05 * kind)
    btag = rng.beta(1 + kind, 3)
    x = np.stack([mass, tau21, multiplicity, width, btag], axis=1)
    return (np.round(x * 64) / 64).astype(np.float32), kind


def main():
    rng = np.random.default_rng(12)
    x, kind = jets(rng, TRAINING)
    test, _ = jets(rng, EVENTS)
    binary, target = (kind == 1).astype(int), np.log1p(x[:, 0]) * x[:, 1] + x[:, 4]
    small = {"n_estimators": 12, "max_depth": 3, "random_state": 1}
    models = {
        "sk_gb2": (ensemble.GradientBoostingClassifier(**small), binary),
        "sk_gb3": (ensemble.GradientBoostingClassifier(**small), kind),
        "sk_rf2": (ensemble.RandomForestClassifier(n_estimators=6, max_depth=5, random_state=1), binary),
        "sk_rf3": (ensemble.RandomForestClassifier(n_estimators=5, max_depth=4, random_state=1), kind),
        "sk_tree": (tree.DecisionTreeClassifier(max_leaf_nodes=12, random_state=1), binary + 5),
        "sk_gbr": (ensemble.GradientBoostingRegressor(**small), target),
        "xgb2": (xgboost.XGBClassifier(**small), binary),
        "xgb3": (xgboost.XGBClassifier(**small), kind),
        "xgbr": (xgboost.XGBRegressor(**small), target),
    }
    arrays = {"x": test}
    for name, (model, labels) in models.items():
        model.fit(x, labels)
        if name.startswith("xgb"):
            proto = onnxmltools.convert_xgboost(model, initial_types=[("x", FloatTensorType([None, 5]))], target_opset=15)
        else:
            # One of them with ZipMap, as is scikit-learn's default; its result is a list of maps.
            options = {} if name.endswith("r") or name == "sk_rf2" else {id(model): {"zipmap": False}}
            proto = to_onnx(model, x[:1], options=options, target_opset={"": 17, "ai.onnx.ml": 3})
        data = proto.SerializeToString()
        session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
        results = session.run(None, {session.get_inputs()[0].name: test})
        arrays[f"{name}.model"] = np.frombuffer(data, np.uint8)
        for index, result in enumerate(results):
            if isinstance(result, list):
                result = [[row[key] for key in sorted(row)] for row in result]
            arrays[f"{name}.out{index}"] = np.asarray(result, np.float32).reshape(EVENTS, -1)
    np.savez_compressed(pathlib.Path(__file__).parent / "trees.npz", **arrays)


if __name__ == "__main__":
    main()
