//! FPGAs that free tools know.

use std::fmt;
use std::str::FromStr;

/// An FPGA in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// Lattice ECP5 LFE5U-45F, speed grade 6, CABGA381.
    Ecp5,
    /// Lattice iCE40 UP5K, SG48.
    Ice40,
}

impl Device {
    /// All.
    pub const ALL: [Self; 2] = [Self::Ecp5, Self::Ice40];

    /// What `--device` and `board.toml` call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecp5 => "ecp5-45f",
            Self::Ice40 => "ice40-up5k",
        }
    }

    /// The pass of yosys that maps to it.
    pub(super) fn mapping(self) -> &'static str {
        match self {
            Self::Ecp5 => "synth_ecp5",
            Self::Ice40 => "synth_ice40 -dsp -spram -device u",
        }
    }

    /// The program that places and routes it, without its prefix.
    pub(super) fn router(self) -> &'static str {
        match self {
            Self::Ecp5 => "nextpnr-ecp5",
            Self::Ice40 => "nextpnr-ice40",
        }
    }

    /// Arguments of that program; the frequency is what it tries for, and it may miss it.
    pub(super) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Ecp5 => &[
                "--45k",
                "--package",
                "CABGA381",
                "--speed",
                "6",
                "--freq",
                "80",
                "--lpf-allow-unconstrained",
            ],
            Self::Ice40 => &["--up5k", "--package", "sg48", "--freq", "20"],
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|device| device.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no device `{text}`; there are {names}")
        })
    }
}
