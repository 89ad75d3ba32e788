"""The detector words of a model's inputs, as `inputs.toml` states them.

A value v becomes the word floor(v / lsb + 0.5), which then saturates or wraps into [minimum, maximum].
"""
import tomllib

import numpy as np


class Words:
    """Fields repeat along the last axis of the input: field k of a value at index i is fields[i % len(fields)]."""

    def __init__(self, path, name="x"):
        with open(path, "rb") as file:
            spec = tomllib.load(file)["input"][name]
        self.fields = spec["field"]
        if self.fields[0]["name"] != "pt":
            raise ValueError("the first field is not pt")

    def columns(self, length, key):
        """`key` of the field at each index of an axis of this length."""
        return np.array([self.fields[i % len(self.fields)][key] for i in range(length)])

    def round(self, values):
        """Words (int64) of physical values, and how many of them left the range of a saturating field."""
        length = values.shape[-1]
        low, high = self.columns(length, "minimum"), self.columns(length, "maximum")
        raw = np.floor(values.astype(np.float64) / self.columns(length, "lsb") + 0.5).astype(np.int64)
        wraps = self.columns(length, "overflow") == "wrap"
        saturated = int((~wraps & ((raw < low) | (raw > high))).sum())
        return np.where(wraps, (raw - low) % (high - low + 1) + low, np.clip(raw, low, high)), saturated

    def values(self, words):
        """Physical values (float32) that these words stand for."""
        return (words * self.columns(words.shape[-1], "lsb")).astype(np.float32)

    def read_out(self, values, always=0):
        """Values as the trigger sees them (float32), and how many of them saturated.

        Refuses a sample in which rounding would make an object vanish: pT > 0 before, 0 after. The first `always` objects
        are exempt; they are there in every event, whatever their pT (MET).
        """
        words, saturated = self.round(values)
        stride = len(self.fields)
        before, after = (array.reshape(len(array), -1, stride)[:, always:, 0] for array in (values, words))
        lost = int(((before > 0) & (after == 0)).sum())
        if lost:
            raise ValueError(f"{lost} objects are rounded to pT = 0")
        out = self.values(words)
        again, _ = self.round(out)
        if not np.array_equal(again, words):
            raise ValueError("words do not survive the way through float32")
        return out, saturated
