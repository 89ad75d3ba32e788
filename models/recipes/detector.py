"""A simple particle-flow-like detector, applied to generated particles before jets are clustered.

Units: pT and E in GeV; eta and phi dimensionless (radians). Everything that leaves the detector is massless.
"""
import numpy as np

# Classes of generated particles, and of what the detector makes of them.
CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, ELECTRON, MUON = 1, 2, 3, 4, 5

THRESHOLD = 0.5          # GeV: nothing softer is kept
TRACK_ETA = 2.5          # tracker acceptance
TRACK_EFFICIENCY = 0.95
TRACK_RESOLUTION = (0.01, 1e-4)          # sigma(pT)/pT = 1 % (+) 1e-4 pT/GeV
# cell size, acceptance, stochastic term (sqrt(GeV)), constant term
ECAL = dict(cell=0.0174, eta=3.0, stochastic=0.03, constant=0.005)
HCAL = dict(cell=0.087, eta=5.0, stochastic=1.00, constant=0.05)


def wrap(angle):
    """An angle brought into [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def particle_class(pdg):
    """Class of each particle from the absolute value of its PDG code."""
    kind = np.full(len(pdg), CHARGED_HADRON, np.int8)
    kind[np.isin(pdg, (130, 310, 2112, 3122, 3322, 311))] = NEUTRAL_HADRON
    kind[pdg == 22], kind[pdg == 11], kind[pdg == 13] = PHOTON, ELECTRON, MUON
    return kind


def calorimeter(event, pt, eta, phi, rng, cell, stochastic, constant):
    """Sums pT in square cells, smears each cell once and puts it at the cell's centre."""
    i_eta, i_phi = (np.floor(angle / cell).astype(np.int64) + 2048 for angle in (eta, phi))
    key, owner = np.unique((event.astype(np.int64) * 4096 + i_eta) * 4096 + i_phi, return_inverse=True)
    pt = np.bincount(owner, pt)
    eta = (key // 4096 % 4096 - 2048 + 0.5) * cell
    phi = (key % 4096 - 2048 + 0.5) * cell
    energy = pt * np.cosh(eta)
    sigma = np.hypot(stochastic / np.sqrt(np.maximum(energy, 0.1)), constant)
    return key // 4096 // 4096, pt * np.maximum(1 + sigma * rng.standard_normal(len(pt)), 0), eta, phi


def detect(event, pt, eta, phi, kind, rng):
    """Arrays over all particles of a batch (`event` is each one's event number) to arrays over detected objects.

    Charged hadrons and muons leave tracks, whose angles are exact; photons and electrons fill fine cells; neutral
    hadrons, and charged ones without a track, fill coarse cells. Objects are ordered by event.
    """
    track = (((kind == CHARGED_HADRON) | (kind == MUON)) & (np.abs(eta) < TRACK_ETA) & (pt > THRESHOLD)
             & (rng.random(len(pt)) < TRACK_EFFICIENCY))
    sigma = np.hypot(TRACK_RESOLUTION[0], TRACK_RESOLUTION[1] * pt[track])
    smeared = pt[track] * np.maximum(1 + sigma * rng.standard_normal(track.sum()), 0.05)
    found = [(event[track], smeared, eta[track], phi[track], kind[track])]

    electromagnetic = ((kind == PHOTON) | (kind == ELECTRON)) & (np.abs(eta) < ECAL["eta"])
    hadronic = ((kind == NEUTRAL_HADRON) | ((kind == CHARGED_HADRON) & ~track)) & (np.abs(eta) < HCAL["eta"])
    for chosen, part, code in ((electromagnetic, ECAL, PHOTON), (hadronic, HCAL, NEUTRAL_HADRON)):
        cells = calorimeter(event[chosen], pt[chosen], eta[chosen], phi[chosen], rng,
                            part["cell"], part["stochastic"], part["constant"])
        found.append((*cells, np.full(len(cells[0]), code)))

    event, pt, eta, phi, kind = (np.concatenate(column) for column in zip(*found))
    kept = pt > THRESHOLD
    order = np.argsort(event[kept], kind="stable")
    return tuple(column[kept][order] for column in (event.astype(np.int64), pt, eta, phi, kind))
