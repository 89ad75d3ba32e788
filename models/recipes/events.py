"""Whole events as a level-1 trigger sees them, for anomaly detection; after the set-up of arXiv:2108.03986.

Standard Model: Wlnu, dijet (pTHat > 60 GeV, sampled with a bias of pTHat^2 and used unweighted), Zll, ttbar.
Signals: A4l (A of 50 GeV to two Z' of 20 GeV to 4 leptons), LQ (pair of leptoquarks of 80 GeV, each to b tau),
h0tautau (h of 60 GeV), hptaunu (charged H of 60 GeV). Proton-proton at 13 TeV, no multi-parton interactions, no pile-up.

Reconstruction, simpler than any real one:
calorimeter   72 x 92 towers of 0.087 up to |eta| = 4; e/gamma 5 %/sqrt(E) (+) 1 %, hadrons 100 %/sqrt(E) (+) 5 %
e/gamma       e/gamma pT within dR < 0.15 of a tower that is the largest there; |eta| < 3, pT > 3 GeV, at least 90 % of
              everything within that cone; the 4 hardest
muon          generated muons, |eta| < 2.1, pT > 3 GeV, efficiency 95 %, sigma(pT)/pT = 20 %; the 4 hardest
jets          anti-kT R = 0.4 on towers, pT > 15 GeV, |eta| < 4; the 10 hardest
MET           minus the vector sum of towers and muons
kept          events with an e/gamma or a muon above 23 GeV
"""
import awkward as ak
import fastjet
import numpy as np

from detector import wrap
from jets import flat, start

BATCH = 500
TOWER = 0.087
COLUMNS = 72             # towers around phi
EGAMMAS, MUONS, JETS = 4, 4, 10
OBJECTS = 1 + EGAMMAS + MUONS + JETS
# process: (seed of chunk 0, settings)
PROCESSES = {
    "Wlnu": (61_000, ["WeakSingleBoson:ffbar2W = on", "24:onMode = off", "24:onIfAny = 11 13 15"]),
    "dijet": (62_000, ["HardQCD:all = on", "PhaseSpace:pTHatMin = 60.", "PhaseSpace:bias2Selection = on",
                       "PhaseSpace:bias2SelectionPow = 2.", "PhaseSpace:bias2SelectionRef = 60."]),
    "Zll": (63_000, ["WeakSingleBoson:ffbar2gmZ = on", "PhaseSpace:mHatMin = 40.", "23:onMode = off",
                     "23:onIfAny = 11 13 15"]),
    "ttbar": (64_000, ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on"]),
    "A4l": (65_000, ["Higgs:useBSM = on", "HiggsBSM:gg2A3 = on", "36:m0 = 50.", "36:mWidth = 0.01",
                     "36:doForceWidth = on", "36:mMin = 45.", "36:mMax = 55.", "32:m0 = 20.", "32:mMin = 5.",
                     "32:mWidth = 0.5", "32:doForceWidth = on", "32:onMode = off", "32:onIfAny = 11 13",
                     "36:onMode = off", "36:addChannel = 1 1.0 100 32 32"]),
    "LQ": (66_000, ["LeptoQuark:gg2LQLQbar = on", "LeptoQuark:qqbar2LQLQbar = on", "42:m0 = 80.", "42:mMin = 60.",
                    "42:mMax = 100.", "42:0:products = 5 15"]),
    "h0tautau": (67_000, ["HiggsSM:gg2H = on", "25:m0 = 60.", "25:onMode = off", "25:onIfMatch = 15 15"]),
    "hptaunu": (68_000, ["Higgs:useBSM = on", "HiggsBSM:ffbar2H+- = on", "37:m0 = 60.", "37:mMin = 50.",
                         "37:onMode = off", "37:onIfMatch = 15 16"]),
}
BACKGROUND = ("Wlnu", "dijet", "Zll", "ttbar")
SIGNALS = ("A4l", "LQ", "h0tautau", "hptaunu")
# Events per chunk. The background's shares are those of arXiv:2108.03986: 59.2, 33.8, 6.7 and 0.3 %.
PER_CHUNK = dict(Wlnu=2960, dijet=1690, Zll=335, ttbar=15, A4l=500, LQ=500, h0tautau=500, hptaunu=500)


def towers(event, pt, eta, phi, electromagnetic, hadronic, rng):
    """Smeared towers above 0.25 GeV, ordered by event: arrays (event, pT, eta, phi, is electromagnetic)."""
    layers = []
    for chosen, stochastic, constant in ((electromagnetic, 0.05, 0.01), (hadronic, 1.0, 0.05)):
        k = chosen & (np.abs(eta) < 4.0) & (pt > 0.05)
        i_eta = np.floor(eta[k] / TOWER).astype(np.int64) + 64
        i_phi = np.floor((phi[k] + np.pi) / (2 * np.pi / COLUMNS)).astype(np.int64) % COLUMNS
        key, owner = np.unique((event[k].astype(np.int64) * 128 + i_eta) * COLUMNS + i_phi, return_inverse=True)
        et = np.bincount(owner, pt[k], minlength=len(key))
        energy = et * np.cosh((key // COLUMNS % 128 - 63.5) * TOWER)
        sigma = np.hypot(stochastic / np.sqrt(np.maximum(energy, 0.1)), constant)
        et = et * np.maximum(1 + sigma * rng.standard_normal(len(key)), 0)
        layers.append((key[et > 0.25], et[et > 0.25], np.full((et > 0.25).sum(), chosen is electromagnetic)))
    key, et, em = (np.concatenate(column) for column in zip(*layers))
    order = np.argsort(key, kind="stable")
    key, et, em = key[order], et[order], em[order]
    eta = (key // COLUMNS % 128 - 63.5) * TOWER
    phi = (key % COLUMNS + 0.5) * (2 * np.pi / COLUMNS) - np.pi
    return key // COLUMNS // 128, et, eta, phi, em


def egammas(event, et, eta, phi, em, count):
    """e/gamma candidates as arrays (event, pT, eta, phi)."""
    offset = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=count))])
    found = []
    for seed in np.nonzero(em & (et > 2) & (np.abs(eta) < 3))[0]:
        own = slice(offset[event[seed]], offset[event[seed] + 1])
        cone = np.hypot(eta[own] - eta[seed], wrap(phi[own] - phi[seed])) < 0.15
        near = et[own][em[own] & cone]
        if near.max() > et[seed] or (near == et[seed]).sum() > 1:
            continue
        if near.sum() >= 3 and near.sum() / et[own][cone].sum() >= 0.9:
            found.append((event[seed], near.sum(), eta[seed], phi[seed]))
    return tuple(np.array(found).T) if found else (np.zeros(0),) * 4


def place(x, first, slots, event, pt, eta, phi):
    """Writes the hardest `slots` objects of each event into x[:, first : first + slots]."""
    event = event.astype(np.int64)
    order = np.lexsort((-pt, event))
    event, pt, eta, phi = event[order], pt[order], eta[order], phi[order]
    rank = np.arange(len(event)) - np.searchsorted(event, event, "left")
    k = rank < slots
    x[event[k], first + rank[k]] = np.stack([pt[k], eta[k], phi[k]], 1)


def reconstruct(batch, rng):
    """Objects f4[events, 19, 3] = (pT, eta, phi) of MET, 4 e/gamma, 4 muons, 10 jets; events that pass only."""
    count = len(batch)
    particles = batch.prt
    pdg = abs(particles.id)
    visible = particles[(particles.status > 0) & (pdg != 12) & (pdg != 14) & (pdg != 16)]
    event = np.repeat(np.arange(count), ak.to_numpy(ak.num(visible)))
    px, py, pz = (flat(visible.p[c]) for c in ("px", "py", "pz"))
    pdg = np.abs(ak.to_numpy(ak.flatten(visible.id)))
    pt = np.hypot(px, py) + 1e-9
    eta, phi = np.arcsinh(pz / pt), np.arctan2(py, px)

    k = (pdg == 13) & (pt > 3) & (np.abs(eta) < 2.1) & (rng.random(len(pt)) < 0.95)
    muon_pt = pt[k] * np.maximum(1 + 0.2 * rng.standard_normal(k.sum()), 0.3)
    muon_event, muon_eta, muon_phi = event[k], eta[k], phi[k]
    electromagnetic = (pdg == 22) | (pdg == 11)
    tower_event, et, eta, phi, em = towers(event, pt, eta, phi, electromagnetic, ~electromagnetic & (pdg != 13), rng)

    x = np.zeros((count, OBJECTS, 3), np.float32)
    sum_x, sum_y = (np.bincount(tower_event, et * f(phi), count) + np.bincount(muon_event, muon_pt * f(muon_phi), count)
                    for f in (np.cos, np.sin))
    x[:, 0, 0], x[:, 0, 2] = np.hypot(sum_x, sum_y), np.arctan2(-sum_y, -sum_x)

    massless = {"px": et * np.cos(phi), "py": et * np.sin(phi), "pz": et * np.sinh(eta), "E": et * np.cosh(eta) * (1 + 1e-9)}
    inputs = ak.unflatten(ak.zip(massless), np.bincount(tower_event, minlength=count))
    jets = fastjet.ClusterSequence(inputs, fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)).inclusive_jets(min_pt=15)
    jet_event = np.repeat(np.arange(count), ak.to_numpy(ak.num(jets)))
    jx, jy, jz = (flat(jets[c]) for c in ("px", "py", "pz"))
    jet_pt = np.hypot(jx, jy)
    jet_eta, jet_phi = np.arcsinh(jz / jet_pt), np.arctan2(jy, jx)
    k = np.abs(jet_eta) < 4

    place(x, 1, EGAMMAS, *egammas(tower_event, et, eta, phi, em, count))
    place(x, 1 + EGAMMAS, MUONS, muon_event, muon_pt, muon_eta, muon_phi)
    place(x, 1 + EGAMMAS + MUONS, JETS, jet_event[k], jet_pt[k], jet_eta[k], jet_phi[k])
    return x[(x[:, 1, 0] > 23) | (x[:, 1 + EGAMMAS, 0] > 23)]


def generate(process, count, seed):
    """`count` kept events as `objects` f4[count, 19, 3]."""
    pythia, rng = start(PROCESSES[process][1], 13000.0, seed), np.random.default_rng(seed)
    kept, total = [], 0
    while total < count:
        kept.append(reconstruct(pythia.nextBatch(BATCH), rng))
        total += len(kept[-1])
    return dict(objects=np.concatenate(kept)[:count])
