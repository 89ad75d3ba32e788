#!/usr/bin/env python3
"""Generates event samples in chunks: python generate.py PROCESS... --out DIR [--chunks 0:4] [--jobs 2]

PROCESS is one of quark, gluon, top, W, QCD (4,000 jets per chunk), Wlnu, dijet, Zll, ttbar, A4l, LQ, h0tautau, hptaunu
(events per chunk in events.py), or `all`. Chunk c of a process has the seed (seed of chunk 0) + c and becomes
DIR/PROCESS.ccc.npz; a chunk that is there already is left alone, so that an interrupted job can be resumed.
"""
import argparse
import multiprocessing
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

JETS_PER_CHUNK = 4000
# What the reference models were made from, and what `all` generates. W jets and signal events are only tested on.
CHUNKS = dict(quark=4, gluon=4, top=4, QCD=4, W=3, Wlnu=3, dijet=3, Zll=3, ttbar=3, A4l=5, LQ=5, h0tautau=5, hptaunu=5)


def generate(task):
    """Generates one chunk and says how long that took."""
    import numpy as np
    import events
    import jets

    process, chunk, path = task
    started = time.time()
    if process in jets.PROCESSES:
        sample = jets.generate(process, JETS_PER_CHUNK, jets.PROCESSES[process][0] + chunk)
    else:
        sample = events.generate(process, events.PER_CHUNK[process], events.PROCESSES[process][0] + chunk)
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez_compressed(unfinished, **sample)
    unfinished.rename(path)
    return f"{path.name}: {len(next(iter(sample.values())))} in {time.time() - started:.0f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("processes", nargs="+", metavar="PROCESS", choices=[*CHUNKS, "all"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--chunks", help="FIRST:LAST, LAST excluded; without it, what the reference models were made from")
    parser.add_argument("--jobs", type=int, default=1, help="chunks generated at the same time")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    processes = CHUNKS if "all" in arguments.processes else arguments.processes
    chosen = range(*map(int, arguments.chunks.split(":"))) if arguments.chunks else None
    tasks = [(process, chunk, arguments.out / f"{process}.{chunk:03}.npz")
             for process in processes for chunk in (chosen or range(CHUNKS[process]))]
    tasks.sort(key=lambda task: task[1])
    tasks = [task for task in tasks if not task[2].exists()]
    # A fresh process for every chunk: nothing of one chunk can reach the next.
    with multiprocessing.get_context("spawn").Pool(arguments.jobs, maxtasksperchild=1) as pool:
        for line in pool.imap(generate, tasks, chunksize=1):
            print(line, flush=True)


if __name__ == "__main__":
    main()
