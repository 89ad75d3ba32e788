"""Answers events with onnxruntime, timed by its parent: `peers.rs` has the protocol.

`onnxruntime_peer.py MODEL EVENTS SHAPE...`: one thread. Inputs and outputs are bound to memory before, so that a call
costs as little of Python as it can.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime


def bound(session: onnxruntime.InferenceSession, events: np.ndarray) -> onnxruntime.IOBinding:
    binding = session.io_binding()
    binding.bind_cpu_input(session.get_inputs()[0].name, events)
    binding.bind_output(session.get_outputs()[0].name)
    return binding


def main() -> None:
    model, file, *shape = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    events = np.fromfile(file, "<f4").reshape(-1, *map(int, shape))
    batches = {
        "one": [bound(session, events[i : i + 1]) for i in range(len(events))],
        "all": [bound(session, events)],
    }
    run = session.run_with_iobinding
    for line in sys.stdin:
        request, which, *passes = line.split()
        bindings = batches[which]
        if request == "answers":
            answers = []
            for binding in bindings:
                run(binding)
                answers.extend(binding.copy_outputs_to_cpu()[0].ravel())
            print(*(repr(float(answer)) for answer in answers), flush=True)
            continue
        begin = time.process_time_ns()
        for _ in range(int(passes[0])):
            for binding in bindings:
                run(binding)
        print(time.process_time_ns() - begin, flush=True)


if __name__ == "__main__":
    main()
