//! The emitted crates that are measured.

use hodoscope_kernels::model::Model;

/// A reference model's emitted crate.
pub trait Tagger {
    /// Its name, and its folder's.
    const NAME: &'static str;
    /// SHA-256 of its program.
    const PROGRAM: [u8; 32];
    /// The array of its float answers in `test.npz`.
    const ANSWERS: &'static str;
    /// Shape of an event, with padding.
    const SHAPE: &'static [usize];
    /// Whether [`Self::stream`] is another road than [`Self::run`].
    const STREAMS: bool;
    /// An event as a link delivers it.
    type Event;

    /// The event of these words, padding included.
    fn event(words: &[i64]) -> Self::Event;
    /// Constituents.
    fn multiplicity(event: &Self::Event) -> usize;
    /// Raw outputs.
    fn run(event: &Self::Event) -> [i64; 1];
    /// The same, from constituents one by one.
    fn stream(event: &Self::Event) -> [i64; 1] {
        Self::run(event)
    }
}

/// A particle-flow network.
pub struct PfnQg;

impl Tagger for PfnQg {
    const NAME: &'static str = pfn_qg::Deployed::NAME;
    const PROGRAM: [u8; 32] = pfn_qg::Deployed::PROGRAM;
    const ANSWERS: &'static str = "logit.float";
    const SHAPE: &'static [usize] = &[32, 3];
    const STREAMS: bool = true;
    type Event = Vec<pfn_qg::Constituent>;

    fn event(words: &[i64]) -> Self::Event {
        let rows = words.chunks(3);
        let words = |row: &[i64]| [row[0], row[1], row[2]].map(|w| w as i16);
        rows.filter(|row| row[0] > 0)
            .map(|row| pfn_qg::Constituent { x: words(row) })
            .collect()
    }

    fn multiplicity(event: &Self::Event) -> usize {
        event.len()
    }

    #[inline]
    fn run(event: &Self::Event) -> [i64; 1] {
        pfn_qg::Deployed::run(event).raws()
    }

    #[inline]
    fn stream(event: &Self::Event) -> [i64; 1] {
        let mut tagger = pfn_qg::Deployed::new();
        for constituent in event {
            tagger.push(constituent);
        }
        tagger.finish().raws()
    }
}

/// An autoencoder.
pub struct AeQcd;

impl Tagger for AeQcd {
    const NAME: &'static str = ae_qcd::Deployed::NAME;
    const PROGRAM: [u8; 32] = ae_qcd::Deployed::PROGRAM;
    const ANSWERS: &'static str = "score.float";
    const SHAPE: &'static [usize] = &[48];
    const STREAMS: bool = false;
    type Event = ae_qcd::Event;

    fn event(words: &[i64]) -> Self::Event {
        ae_qcd::Event {
            x: std::array::from_fn(|i| words[i] as i16),
        }
    }

    fn multiplicity(_: &Self::Event) -> usize {
        0
    }

    #[inline]
    fn run(event: &Self::Event) -> [i64; 1] {
        ae_qcd::Deployed::run(event).raws()
    }
}
