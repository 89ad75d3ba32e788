"""Figures of merit of a score, with their statistical errors."""
import numpy as np
from scipy.stats import rankdata


def auc(signal, background):
    """Area under the ROC curve (ties count one half) and its standard error after DeLong."""
    n, m = len(signal), len(background)
    ranks = rankdata(np.concatenate([signal, background]))
    above = (ranks[:n] - rankdata(signal)) / m           # share of the background below each signal event
    below = 1 - (ranks[n:] - rankdata(background)) / n   # share of the signal above each background event
    return above.mean(), np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)


def rejection(signal, background, efficiency):
    """1/eps_B at a signal efficiency, with its binomial error from the background's side."""
    threshold = np.quantile(signal, 1 - efficiency)
    passed = (background >= threshold).sum()
    share = passed / len(background)
    if not passed:
        return np.inf, np.nan
    return 1 / share, np.sqrt((1 - share) / passed) / share


def row(title, signal, background):
    """A line of the Markdown table whose heading is HEADING."""
    area, error = auc(signal, background)
    cells = [title, f"{len(signal):,} / {len(background):,}", f"{area:.4f} ± {error:.4f}"]
    for efficiency in (0.3, 0.5):
        value, uncertainty = rejection(signal, background, efficiency)
        digits = 1 if uncertainty < 2 else 0
        digits = 2 if uncertainty < 0.2 else digits
        cells.append(f"{value:.{digits}f} ± {uncertainty:.{digits}f}")
    return "| " + " | ".join(cells) + " |"


HEADING = ("| signal | events, signal / background | AUC | 1/ε_B at ε_S = 30 % | 1/ε_B at ε_S = 50 % |\n"
           "|---|---|---|---|---|")
