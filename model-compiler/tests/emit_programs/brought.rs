//! Networks that bring their own quantisers: floors, halves to even, wraps and multipliers behind their layers, and one cast
//! behind the other.

use std::fmt::Write as _;

/// A small generator: the same numbers on every host.
struct Numbers(u64);

impl Numbers {
    fn list(&mut self, count: usize, end: i64) -> String {
        let numbers = (0..count).map(|_| {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let number = (self.0 >> 33) as i64 % (2 * end + 1) - end;
            number.to_string()
        });
        numbers.collect::<Vec<_>>().join(" ")
    }
}

/// A dense layer with its rescale: rows, columns, and what ends it.
struct Dense {
    name: &'static str,
    x: &'static str,
    set: &'static str,
    shape: (usize, usize),
    weights: i64,
    element: &'static str,
    rescale: &'static str,
}

impl Dense {
    fn constants(&self, numbers: &mut Numbers) -> String {
        let Self { name, shape, .. } = self;
        let (rows, columns) = *shape;
        format!(
            "constant {name}.w i8 [{rows}, {columns}]\n  {}\nconstant {name}.b i16 [{rows}]\n  {}\n",
            numbers.list(rows * columns, self.weights),
            numbers.list(rows, 900),
        )
    }

    fn values(&self) -> String {
        let Self {
            name,
            x,
            set,
            shape: (rows, _),
            element,
            rescale,
            ..
        } = self;
        format!(
            "value {name} [{set}{rows}] i32 frac 0 = dense {x} weights {name}.w bias {name}.b\n\
             value {name}.q [{set}{rows}] {element} frac 0 = rescale {name} by {rescale}\n"
        )
    }
}

/// One event of fixed words, and a set.
pub fn brought() -> [(&'static str, String); 2] {
    [("brought", fixed()), ("brought-set", set())]
}

fn fixed() -> String {
    let dense = |name, x, shape, element, rescale| Dense {
        name,
        x,
        set: "",
        shape,
        weights: 9,
        element,
        rescale,
    };
    let before = [
        dense(
            "even",
            "cast",
            (24, 40),
            "u10",
            "1 plus 0 shift 4 rnd_conv sat",
        ),
        dense(
            "wrapped",
            "even.q",
            (16, 24),
            "i12",
            "1 plus 0 shift 3 trn wrap",
        ),
        dense(
            "symmetric",
            "wrapped.q",
            (12, 16),
            "i9",
            "3 plus 5 shift 9 rnd_inf sat_sym",
        ),
        dense(
            "floor",
            "symmetric.q",
            (9, 12),
            "i8",
            "1 plus 77 shift 3 trn sat",
        ),
    ];
    let rows = Dense {
        set: "5, ",
        ..dense(
            "rows",
            "table",
            (8, 8),
            "i8",
            "1 plus 0 shift 3 rnd_conv sat",
        )
    };
    let numbers = &mut Numbers(7);
    let mut text = "hodoscope-program 1\nprogram brought\ninput x channels 40\n  \
                    field x unit \"\" lsb 1.0 range -131072 131071 saturate empty 0\n"
        .to_owned();
    for dense in before.iter().chain([&rows]) {
        text += &dense.constants(numbers);
    }
    let shifts: Vec<String> = (0..40).map(|channel| (channel % 4).to_string()).collect();
    let _ = write!(
        text,
        "value x [40] i18 frac 0 = input x\n\
         value moved [40] i18 frac 0 = rescale x by 1 plus -576 shift 0 trn wrap\n\
         value scaled [40] i19 frac 0 = rescale moved by 1 plus 0 shift {} trn sat\n\
         value again [40] i18 frac 0 = rescale scaled by 1 plus 0 shift 0 trn wrap\n\
         value cast [40] i8 frac 0 = rescale again by 1 plus 0 shift 3 rnd_conv sat\n",
        shifts.join(" ")
    );
    for dense in &before {
        text += &dense.values();
    }
    text += "value table [5, 8] i8 frac 0 = reshape cast\n";
    text += &rows.values();
    text += "value flat [40] i8 frac 0 = reshape rows.q\n\
             output y = floor.q\noutput z = flat\n";
    text
}

fn set() -> String {
    let dense = |name, x, shape, element, rescale| Dense {
        name,
        x,
        set: "jet, ",
        shape,
        weights: 100,
        element,
        rescale,
    };
    let layers = [
        dense(
            "even",
            "cast",
            (16, 8),
            "i8",
            "1 plus 0 shift 7 rnd_conv sat",
        ),
        dense(
            "zero",
            "even.q",
            (16, 16),
            "u8",
            "1 plus 0 shift 8 rnd_zero sat_zero",
        ),
    ];
    let numbers = &mut Numbers(11);
    let mut text = "hodoscope-program 1\nprogram brought-set\nset jet capacity 5\n\
                    input x set jet channels 8\n  \
                    field x unit \"\" lsb 1.0 range -2048 2047 saturate empty 0\n\
                    live jet x[0] above -2000\norder jet x[0]\n"
        .to_owned();
    for dense in &layers {
        text += &dense.constants(numbers);
    }
    text += "value x [jet, 8] i12 frac 0 = input x\n\
             value scaled [jet, 8] i12 frac 0 = rescale x by 1 plus 3 shift 1 rnd_conv sat\n\
             value cast [jet, 8] i8 frac 0 = rescale scaled by 1 plus 0 shift 2 rnd wrap\n";
    for dense in &layers {
        text += &dense.values();
    }
    text + "value sum [16] i32 frac 0 = sum zero.q\noutput y = sum\n"
}
