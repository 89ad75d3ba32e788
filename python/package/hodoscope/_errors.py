"""Exceptions and warnings: the command's messages and exit codes as Python's."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ._program import Program, Report

_T = TypeVar("_T")


class Error(Exception):
    """What the command would end with; its text is the message."""

    #: 1: a check failed, 2: bad input, nothing was written, 3: a tool is missing or failed.
    exit_code: int = 2


class InputError(Error, ValueError):
    """Bad input: a file, an array, an option."""

    exit_code = 2


class ToolError(Error, RuntimeError):
    """A tool, a build or a board is missing or failed."""

    exit_code = 3


class CheckError(Error):
    """Something was done, and a check of it failed."""

    exit_code = 1

    def __init__(self, message: str, program: Program, report: Report) -> None:
        super().__init__(message)
        #: What was compiled all the same.
        self.program = program
        #: The whole report.
        self.report = report


class LossError(CheckError):
    """The program loses more against float than ``max_loss`` allows; ``accept_loss=True`` makes it a ``LossWarning``."""


class HodoscopeWarning(UserWarning):
    """A note or a warning of the command."""


class LossWarning(HodoscopeWarning):
    """A loss over its tolerance, accepted by ``accept_loss=True``."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        #: The whole report.
        self.report = report


_PACKAGE = str(Path(__file__).parent)


def warn(warning: str | HodoscopeWarning) -> None:
    """Warns whoever called the package."""
    if isinstance(warning, str):
        warning = HodoscopeWarning(warning.removeprefix("note: ").removeprefix("warning: "))
    # 1 is this function; 2 and more, who called it.
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(warning, stacklevel=level)


def failed(failure: tuple[str, int]) -> Error:
    """The exception of a message and an exit code."""
    message, code = failure
    return ToolError(message) if code == 3 else InputError(message)


def done(outcome: tuple[_T | None, tuple[str, int] | None, list[str]]) -> _T:
    """What was done; warns of what was said meanwhile.

    Raises:
        Error: Where it was not done.
    """
    result, failure, notes = outcome
    for note in notes:
        warn(note)
    if failure is not None:
        raise failed(failure)
    return result  # type: ignore[return-value]
