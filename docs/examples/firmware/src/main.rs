//! Two models in one firmware: a tagger of constituents, as a slice and as they arrive, and an autoencoder of one row.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m_rt::entry;
use pfn_qg::Constituent;
use semihosting::{println, process};

/// Words of the detector: pt in 0.25 GeV, deta and dphi in 1/230. In a real one they come from the link.
const JET: [Constituent; 4] = [
    Constituent { x: [480, 2, -5] },
    Constituent { x: [142, -23, 13] },
    Constituent { x: [17, 48, 34] },
    Constituent { x: [320, 0, 0] },
];

/// The least raw that is accepted, as `hodoscope evaluate` prints it for a rate.
const THRESHOLD: i32 = 4096;

#[entry]
fn main() -> ! {
    // The whole event as a slice,
    let outputs = pfn_qg::Deployed::run(&JET);
    println!("pfn-qg raw {}", outputs.logit[0]);

    // or constituent after constituent: all but the last layers are computed before the event ends.
    let mut tagger = pfn_qg::Deployed::new();
    for constituent in &JET {
        tagger.push(constituent);
    }
    let is_accepted = tagger.decide(pfn_qg::Threshold::new(THRESHOLD));
    println!("pfn-qg accepts: {is_accepted}");

    // Another model, of one row of words.
    let mut event = ae_qcd::Event { x: [0; 48] };
    event.x[..3].copy_from_slice(&[480, 2, -5]);
    println!("ae-qcd raw {}", ae_qcd::Deployed::run(&event).score[0]);
    process::exit(0)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    println!("{info}");
    process::exit(1)
}
