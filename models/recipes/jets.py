"""Jets: hard processes from Pythia 8, the simple detector, anti-kT jets from FastJet.

quark, gluon   jets recoiling against a Z that decays to neutrinos; R = 0.4, 500 < pT < 550 GeV, |y| < 1.7;
               the hardest jet of an event
top, W, QCD    fully hadronic top pairs, W pairs, and dijets; R = 0.8, 550 < pT < 650 GeV, |eta| < 2; up to two jets of
               an event; a top or W jet holds its parton and all the quarks of its decay within dR < 0.8

Proton-proton collisions at 14 TeV, no multi-parton interactions, no pile-up.
Units: pT and masses in GeV, angles in radians.
"""
import awkward as ak
import fastjet
import numpy as np
import pythia8mc

from detector import detect, particle_class, wrap

SLOTS = 64               # constituents written per jet, the hardest ones
BATCH = 400              # events per call of the generator
NEUTRINOS = (12, 14, 16)

Z_TO_NEUTRINOS = ["WeakZ0:gmZmode = 2", "23:onMode = off", "23:onIfAny = 12 14 16"]
W_TO_QUARKS = ["24:onMode = off", "24:onIfAny = 1 2 3 4 5"]
# process: (seed of chunk 0, PDG code that a jet must contain, settings)
PROCESSES = {
    "quark": (10_000, None, ["WeakBosonAndParton:qg2gmZq = on", *Z_TO_NEUTRINOS]),
    "gluon": (20_000, None, ["WeakBosonAndParton:qqbar2gmZg = on", *Z_TO_NEUTRINOS]),
    "top": (30_000, 6, ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *W_TO_QUARKS]),
    "QCD": (40_000, None, ["HardQCD:all = on"]),
    "W": (50_000, 24, ["WeakDoubleBoson:ffbar2WW = on", *W_TO_QUARKS]),
}
NARROW = dict(radius=0.4, pt=(500, 550), pthat=(470, 640), rapidity=1.7, per_event=1)
WIDE = dict(radius=0.8, pt=(550, 650), pthat=(500, 740), eta=2.0, per_event=2)


def selection(process):
    """Cuts that the jets of a process pass."""
    return NARROW if process in ("quark", "gluon") else WIDE


def start(settings, energy, seed):
    """A silent Pythia with these settings; `energy` of the collision in GeV."""
    pythia = pythia8mc.Pythia("", False)
    for line in ["Print:quiet = on", f"Beams:eCM = {energy}", "Random:setSeed = on", f"Random:seed = {seed}",
                 "PartonLevel:MPI = off", *settings]:
        if not pythia.readString(line):
            raise ValueError(f"Pythia does not know: {line}")
    if not pythia.init():
        raise RuntimeError("Pythia did not start")
    return pythia


def flat(jagged):
    """A jagged array as one flat numpy array of floats."""
    return ak.to_numpy(ak.flatten(jagged)).astype(float)


class Partons:
    """The heavy partons of one event with the quarks they decay to."""

    def __init__(self, particles, code):
        self.pdg = np.abs(np.asarray(particles.id))
        self.first, self.last = np.asarray(particles.daughter1), np.asarray(particles.daughter2)
        px, py, pz = (np.asarray(particles.p[c]) for c in ("px", "py", "pz"))
        pt = np.hypot(px, py) + 1e-9
        self.eta, self.phi = np.arcsinh(pz / pt), np.arctan2(py, px)
        self.decays = []
        for parton in np.nonzero(self.pdg == code)[0]:
            daughters = self.daughters(parton)
            if not np.any(self.pdg[daughters] == code):          # the last copy, which decays
                self.decays.append([parton, *self.quarks(daughters)])

    def daughters(self, parton):
        first, last = self.first[parton], self.last[parton]
        return range(first, last + 1) if last >= first > 0 else [first]

    def quarks(self, particles):
        """These particles, every W among them followed to its last copy and replaced by what that decays to."""
        for particle in particles:
            if self.pdg[particle] == 24:
                daughters = self.daughters(particle)
                yield from self.quarks([d for d in daughters if self.pdg[d] == 24][:1] or daughters)
            else:
                yield particle

    def inside(self, eta, phi, radius):
        """Whether one parton and all its quarks lie within `radius` of this axis."""
        near = np.hypot(self.eta - eta, wrap(self.phi - phi)) < radius
        return any(all(near[decay]) for decay in self.decays)


def detected(batch, rng):
    """Detected objects of a batch of events: arrays (event, px, py, pz, E, class), |eta| < 3, ordered by event."""
    particles = batch.prt
    pdg = abs(particles.id)
    visible = particles[(particles.status > 0) & (pdg != 12) & (pdg != 14) & (pdg != 16)]
    event = np.repeat(np.arange(len(batch)), ak.to_numpy(ak.num(visible)))
    px, py, pz = (flat(visible.p[c]) for c in ("px", "py", "pz"))
    kind = particle_class(np.abs(ak.to_numpy(ak.flatten(visible.id))))
    pt = np.hypot(px, py)
    k = pt > 1e-3
    event, pt, eta, phi, kind = detect(event[k], pt[k], np.arcsinh(pz[k] / pt[k]), np.arctan2(py[k], px[k]), kind[k], rng)
    px, py, pz, energy = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)
    k = np.abs(pz) < 10.02 * np.hypot(px, py)        # farther forward cannot reach a selected jet
    return tuple(column[k] for column in (event, px, py, pz, energy, kind))


def generate(process, count, seed):
    """`count` jets: constituents f4[count, 64, 4] = (pT, deta, dphi, class), pT-ordered, zero padded, angles relative
    to the jet axis; jet f4[count, 5] = (pT, eta, phi, mass, multiplicity)."""
    _, code, settings = PROCESSES[process]
    cuts = selection(process)
    low, high = cuts["pt"]
    pthat = [f"PhaseSpace:pTHatMin = {cuts['pthat'][0]}.", f"PhaseSpace:pTHatMax = {cuts['pthat'][1]}."]
    pythia, rng = start([*settings, *pthat], 14000.0, seed), np.random.default_rng(seed)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, cuts["radius"])

    constituents, summary = [], []
    while len(constituents) < count:
        batch = pythia.nextBatch(BATCH)
        event, px, py, pz, energy, kind = detected(batch, rng)
        multiplicity = np.bincount(event, minlength=len(batch))
        offset = np.concatenate([[0], np.cumsum(multiplicity)])
        objects = ak.unflatten(ak.zip({"px": px, "py": py, "pz": pz, "E": energy}), multiplicity)
        clusters = fastjet.ClusterSequence(objects, definition)
        jets = clusters.inclusive_jets(min_pt=low * 0.999)
        members = clusters.constituent_index(min_pt=low * 0.999)
        for i in range(len(batch)):
            if len(jets[i]) == 0:
                continue
            jx, jy, jz, je = (np.asarray(jets[i][c]) for c in ("px", "py", "pz", "E"))
            jet_pt = np.hypot(jx, jy)
            partons = Partons(batch.prt[i], code) if code else None
            for j in np.argsort(-jet_pt)[:cuts["per_event"]]:
                eta, phi = np.arcsinh(jz[j] / jet_pt[j]), np.arctan2(jy[j], jx[j])
                rapidity = 0.5 * np.log((je[j] + jz[j]) / (je[j] - jz[j]))
                central = abs(rapidity) < cuts["rapidity"] if "rapidity" in cuts else abs(eta) < cuts["eta"]
                if not (low <= jet_pt[j] <= high and central):
                    continue
                if partons and not partons.inside(eta, phi, cuts["radius"]):
                    continue
                k = np.asarray(members[i][j]) + offset[i]
                pt = np.hypot(px[k], py[k])
                hardest = np.argsort(-pt)[:SLOTS]
                k, pt = k[hardest], pt[hardest]
                row = np.zeros((SLOTS, 4), np.float32)
                row[:len(k)] = np.stack([pt, np.arcsinh(pz[k] / pt) - eta, wrap(np.arctan2(py[k], px[k]) - phi), kind[k]], 1)
                mass = np.sqrt(max(je[j] ** 2 - jx[j] ** 2 - jy[j] ** 2 - jz[j] ** 2, 0))
                constituents.append(row)
                summary.append((jet_pt[j], eta, phi, mass, len(members[i][j])))
    return dict(constituents=np.stack(constituents)[:count], jet=np.array(summary, np.float32)[:count])
