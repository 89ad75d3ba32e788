"""Networks of particle-physics triggers as exact integer programs.

``compile`` makes a program of an ONNX file; a ``Program`` computes the bits that a board computes, from numpy arrays:

>>> import hodoscope
>>> program = hodoscope.compile("model.onnx", calibration={"x": x}, out="tagger")
>>> scores = program.run({"x": x_test})["score"]
>>> accepted = program.native().decide({"x": x_test}, score=0.9)

Errors are exceptions with the text of the command of the same name; what the command says beside its result is a warning.
"""

from ._arrays import Arrays, Events
from ._errors import (
    CheckError,
    Error,
    HodoscopeWarning,
    InputError,
    LossError,
    LossWarning,
    ToolError,
)
from ._files import convert, read
from ._native import __version__
from ._program import Field, Input, Output, Program, Report, compile

for _public in (CheckError, Error, HodoscopeWarning, InputError, LossError, LossWarning, ToolError):
    _public.__module__ = __name__

__all__ = [
    "Arrays",
    "CheckError",
    "Error",
    "Events",
    "Field",
    "HodoscopeWarning",
    "Input",
    "InputError",
    "LossError",
    "LossWarning",
    "Output",
    "Program",
    "Report",
    "ToolError",
    "__version__",
    "compile",
    "convert",
    "read",
]
