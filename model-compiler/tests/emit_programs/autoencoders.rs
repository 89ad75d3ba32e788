//! Autoencoders whose score is their squared error, of any shape.

use std::fmt::Write as _;

/// What stands between the sums of the last layer and the squared error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing.
    Sums,
    /// One shift.
    Shift,
    /// A shift of each row, and a relu.
    Shifts,
    /// Multiplier, offset and shift of each row.
    Factors,
    /// As `Factors`, with halves to even, modulo 2^8.
    Wrapped,
    /// One multiplier of 31 bits.
    Scale,
}

impl End {
    pub const ALL: [Self; 6] = [
        Self::Sums,
        Self::Shift,
        Self::Shifts,
        Self::Factors,
        Self::Wrapped,
        Self::Scale,
    ];
}

/// Shape and formats.
#[derive(Clone, Copy, Debug)]
pub struct Autoencoder {
    /// Words, and rows of the last layer.
    pub channels: usize,
    /// Columns of the last layer.
    pub latent: usize,
    /// Bits of its result.
    pub bits: u8,
    /// Bits of its weights.
    pub weight_bits: u8,
    pub end: End,
    /// The detector's words fill their type.
    pub is_full: bool,
    /// Of its constants.
    pub seed: u64,
}

impl Autoencoder {
    /// The program.
    pub fn text(&self, name: &str) -> String {
        let Self {
            channels,
            latent,
            bits,
            weight_bits,
            ..
        } = *self;
        let mut state = self.seed | 1;
        let mut number = |low: i64, high: i64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            low + ((state >> 33) % (high - low + 1).unsigned_abs()).cast_signed()
        };
        let mut all = |count: usize, low: i64, high: i64| -> String {
            let numbers = (0..count).map(|_| number(low, high).to_string());
            numbers.collect::<Vec<_>>().join(" ")
        };
        let widest = (1i64 << (weight_bits - 1)) - 1;
        let (range, words) = match self.is_full {
            true => ("-128 127", "i8"),
            false => ("-3000 2000", "i13"),
        };
        let shift = u32::from(self.weight_bits) - 2 + latent.ilog2();
        let mut text = format!(
            "hodoscope-program 1\nprogram {name}\ninput x channels {channels}\n  \
             field x unit \"\" lsb 1.0 range {range} saturate empty 0\n\
             constant encoder.weights i8 [{latent}, {channels}]\n  {}\n\
             constant encoder.bias i32 [{latent}]\n  {}\n\
             constant decoder.weights i{weight_bits} [{channels}, {latent}]\n  {}\n\
             constant decoder.bias i32 [{channels}]\n  {}\n\
             value x [{channels}] {words} frac 0 = input x\n\
             value x.q [{channels}] i8 frac 0 = rescale x by 1 plus 0 shift {} rnd sat\n\
             value encoder [{latent}] i32 frac 0 = dense x.q weights encoder.weights bias encoder.bias\n\
             value encoder.q [{latent}] i8 frac 0 = rescale encoder by 1 plus 0 shift 8 rnd sat\n\
             value latent [{latent}] u7 frac 0 = relu encoder.q\n\
             value decoder [{channels}] i32 frac 0 = dense latent weights decoder.weights bias decoder.bias\n",
            all(latent * channels, -127, 127),
            all(latent, -9000, 9000),
            all(latent * channels, -widest, widest),
            all(channels, -1000, 1000),
            if self.is_full { 0 } else { 5 },
        );
        let rescaled = match self.end {
            End::Sums => None,
            End::Shift => Some(format!("1 plus 0 shift {shift} rnd sat")),
            End::Shifts => Some(format!(
                "1 plus 0 shift {} rnd sat",
                all(channels, i64::from(shift), i64::from(shift) + 2)
            )),
            End::Factors | End::Wrapped => {
                let behind = if self.end == End::Wrapped {
                    "rnd_conv wrap"
                } else {
                    "rnd sat"
                };
                let (low, high) = (i64::from(shift) + 3, i64::from(shift) + 6);
                Some(format!(
                    "{} plus {} shift {} {behind}",
                    all(channels, -20, 20),
                    all(channels, -500, 500),
                    all(channels, low, high)
                ))
            }
            End::Scale => Some(format!("1500000001 plus 0 shift {} trn sat", 30 + shift)),
        };
        let mut last = "decoder";
        if let Some(by) = rescaled {
            let _ = writeln!(
                text,
                "value decoder.q [{channels}] i{bits} frac 0 = rescale decoder by {by}"
            );
            last = "decoder.q";
        }
        if self.end == End::Shifts {
            let _ = writeln!(
                text,
                "value decoder.relu [{channels}] u{} frac 0 = relu decoder.q",
                bits - 1
            );
            last = "decoder.relu";
        }
        let (a, b) = match self.seed % 2 {
            0 => (last, "x.q"),
            _ => ("x.q", last),
        };
        text + &format!(
            "value error [1] i60 frac 0 = squared_error {a} {b}\noutput score = error\n"
        )
    }
}

/// One for each end, and one of long weights; rows that no block divides are among them.
pub fn autoencoders() -> Vec<(String, String)> {
    let shapes = [(157, 10), (160, 16), (149, 12)];
    let ends = End::ALL.into_iter().chain([End::Shift]).enumerate();
    let each = ends.map(|(number, end)| {
        let name = format!("autoencoder-{number}");
        let (channels, latent) = shapes[number % shapes.len()];
        let form = Autoencoder {
            channels,
            latent,
            bits: if number % 2 == 0 { 8 } else { 16 },
            weight_bits: if number == 6 { 12 } else { 8 },
            end,
            is_full: number % 3 == 1,
            seed: number as u64,
        };
        let text = form.text(&name);
        (name, text)
    });
    each.collect()
}
