import numpy as np


def percentiles(v, levels):
    return {l: float(np.percentile(v, l)) if len(v) else float("nan") for l in levels}


def bootstrap_interval(v, level, rounds=None):
    return (float("nan"), float("nan"))
