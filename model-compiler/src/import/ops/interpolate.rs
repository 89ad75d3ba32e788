//! Resize by linear and cubic interpolation: along each axis a matrix of which every row has a few entries.

use crate::graph::Tensor;

/// How an axis of `from` elements becomes one of `to`.
pub(super) struct Axis<'a> {
    pub from: usize,
    pub to: usize,
    /// `to / from`, or the factor that the file states.
    pub scale: f64,
    /// `coordinate_transformation_mode`.
    pub place: &'a str,
}

impl Axis<'_> {
    /// The place of result `i` on the operand's axis.
    fn source(&self, i: usize) -> Option<f64> {
        let i = i as f64;
        let (from, to) = (self.from as f64, self.to as f64);
        let half_pixel = (i + 0.5) / self.scale - 0.5;
        Some(match self.place {
            "half_pixel" => half_pixel,
            "pytorch_half_pixel" => match self.to > 1 {
                true => half_pixel,
                false => 0.0,
            },
            "align_corners" => match self.to > 1 {
                true => i * (from - 1.0) / (to - 1.0),
                false => 0.0,
            },
            "asymmetric" => i / self.scale,
            "half_pixel_symmetric" => {
                let adjustment = to / (self.scale * from);
                from / 2.0 * (1.0 - adjustment) + half_pixel
            }
            _ => return None,
        })
    }

    /// The matrix `[to, from]`, of linear interpolation or of cubic with a coefficient; what lies outside is the nearest
    /// element, or left out. Nothing where the places have no meaning here.
    pub fn matrix(&self, cubic: Option<f64>, exclude_outside: bool) -> Option<Tensor> {
        let mut data = vec![0.0; self.from * self.to];
        let last = self.from as i64 - 1;
        for (i, row) in data.chunks_mut(self.from).enumerate() {
            let source = self.source(i)?;
            let below = source.floor();
            let fraction = source - below;
            let taps = match cubic {
                None => vec![(0, 1.0 - fraction), (1, fraction)],
                Some(a) => (-1..=2)
                    .map(|k| (k, kernel(a, fraction - k as f64)))
                    .collect(),
            };
            let inside = |k: i64| (0..=last).contains(&(below as i64 + k));
            let counted = |k: i64| !(exclude_outside && cubic.is_some()) || inside(k);
            let taps: Vec<(i64, f64)> = taps.into_iter().filter(|(k, _)| counted(*k)).collect();
            let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
            for (k, weight) in taps {
                let at = (below as i64 + k).clamp(0, last) as usize;
                row[at] += weight / sum;
            }
        }
        Some(Tensor {
            shape: vec![self.to, self.from],
            data: data.into_iter().map(|v: f64| v as f32).collect(),
        })
    }
}

/// The kernel of cubic convolution (Keys 1981).
fn kernel(a: f64, x: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}
