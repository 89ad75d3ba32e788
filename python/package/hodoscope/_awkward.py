"""Arrays of the package awkward."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_awkward(events: Any) -> bool:
    """Whether it is an array of the package awkward."""
    return type(events).__module__.partition(".")[0] == "awkward"


def of_awkward(events: Any) -> Any:
    """Offsets and content of an awkward array, or a plain one where it has no jagged axis.

    Records of numbers become a last axis, in the order of their fields.
    """
    import awkward as ak

    fields = ak.fields(events)
    if fields:
        columns = [events[field] for field in fields]
        events = ak.concatenate([column[..., np.newaxis] for column in columns], axis=-1)
    try:
        return ak.to_numpy(events, allow_missing=False)
    except ValueError:
        pass
    # An event that is missing is none without constituents.
    counts = ak.to_numpy(ak.num(events, axis=1), allow_missing=False)
    offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return offsets, ak.to_numpy(ak.flatten(events, axis=1), allow_missing=False)
