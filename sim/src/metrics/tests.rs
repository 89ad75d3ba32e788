use proptest::prelude::*;

use super::*;

/// Scores on a coarse grid, so that ties are common, and labels with both classes.
fn events() -> impl Strategy<Value = (Vec<f64>, Vec<i64>, Classes)> {
    prop::collection::vec((-20i64..20, -6i64..6, any::<bool>()), 2..120).prop_map(|events| {
        let float = events.iter().map(|event| event.0 as f64 / 8.0).collect();
        let fixed = events.iter().map(|event| event.1).collect();
        let mut signal: Vec<bool> = events.iter().map(|event| event.2).collect();
        signal[0] = true;
        signal[1] = false;
        (float, fixed, Classes::new(signal).unwrap())
    })
}

fn pairs(classes: &Classes) -> impl Iterator<Item = (usize, usize)> {
    let signal = classes.is_signal();
    let of_class = move |class| (0..signal.len()).filter(move |&event| signal[event] == class);
    of_class(true).flat_map(move |s| of_class(false).map(move |b| (s, b)))
}

/// 1, ½ or 0: the sign of a product of differences.
fn step(product: f64) -> f64 {
    if product > 0.0 {
        1.0
    } else if product < 0.0 {
        0.0
    } else {
        0.5
    }
}

proptest! {
    #[test]
    fn auc_is_its_definition((float, fixed, classes) in events()) {
        let count = pairs(&classes).count() as f64;
        let definition = pairs(&classes).map(|(s, b)| step(float[s] - float[b])).sum::<f64>() / count;
        prop_assert_eq!(auc(&float, &classes).unwrap(), definition);
        let definition = pairs(&classes).map(|(s, b)| step((fixed[s] - fixed[b]) as f64)).sum::<f64>() / count;
        prop_assert_eq!(auc(&fixed, &classes).unwrap(), definition);
    }

    #[test]
    fn decision_ordering_is_its_definition((float, fixed, classes) in events()) {
        let product = |(s, b): (usize, usize)| (float[s] - float[b]) * (fixed[s] - fixed[b]) as f64;
        let count = pairs(&classes).count() as f64;
        let got = decision_ordering(&float, &fixed, &classes).unwrap();
        let ties = pairs(&classes).filter(|&pair| product(pair) == 0.0).count() as f64;
        prop_assert_eq!(got.ordering, pairs(&classes).map(|pair| step(product(pair))).sum::<f64>() / count);
        prop_assert_eq!(got.tie_fraction, ties / count);
        prop_assert_eq!(got.pairs as f64, count);
    }

    #[test]
    fn figures_do_not_depend_on_a_monotone_map((float, fixed, classes) in events()) {
        let mapped: Vec<f64> = float.iter().map(|x| x.exp()).collect();
        prop_assert_eq!(auc(&float, &classes).unwrap(), auc(&mapped, &classes).unwrap());
        let a = decision_ordering(&float, &fixed, &classes).unwrap();
        prop_assert_eq!(a, decision_ordering(&mapped, &fixed, &classes).unwrap());
        // Symmetric in its two scores.
        prop_assert_eq!(a, decision_ordering(&fixed, &float, &classes).unwrap());
        let negated: Vec<i64> = fixed.iter().map(|x| -x).collect();
        prop_assert_eq!(decision_ordering(&float, &negated, &classes).unwrap().opposite, a.same);
    }

    #[test]
    fn the_curve_has_the_area((float, _, classes) in events()) {
        // Trapezoids of the interpolated curve, at every multiple of 1/n_S: its corners are there.
        let signals = classes.signals();
        let efficiency = |k: usize| {
            rejection(&float, &classes, k as f64 / signals as f64).unwrap().background_efficiency
        };
        let mut under = 0.0;
        for k in 0..signals {
            // A threshold without signal makes a vertical step, which `efficiency(k)` is the lower
            // end of; the middle of the interval has none.
            let middle = rejection(&float, &classes, (k as f64 + 0.5) / signals as f64).unwrap();
            under += 1.0 - middle.background_efficiency;
            prop_assert!(efficiency(k) <= middle.background_efficiency + 1e-12);
            prop_assert!(middle.background_efficiency <= efficiency(k + 1) + 1e-12);
        }
        let area = auc(&float, &classes).unwrap();
        prop_assert!((under / signals as f64 - area).abs() < 1e-9, "{} {}", under, area);
    }

    #[test]
    fn a_threshold_is_the_least((_, fixed, classes) in events(), target in 0.0f64..=1.0) {
        let got = threshold_for_rate(&fixed, &classes, target).unwrap();
        let passing = |raw: i64| {
            let pass = |&(r, s): &(&i64, &bool)| !s && *r >= raw;
            fixed.iter().zip(classes.is_signal()).filter(pass).count()
        };
        let allowed = target * classes.backgrounds() as f64 + 1e-9;
        prop_assert!(passing(got.raw) as f64 <= allowed);
        let everything = got.background_efficiency == 1.0;
        prop_assert!(everything || passing(got.raw - 1) as f64 > allowed);
    }

    #[test]
    fn a_line_is_found(a in -1e3f64..1e3, b in -1e3f64..1e3, n in 2usize..40) {
        let points: Vec<_> = (0..n).map(|x| (x as f64, a + b * x as f64)).collect();
        let fit = linear_fit(&points).unwrap();
        prop_assert!((fit.intercept - a).abs() < 1e-8, "{:?}", fit);
        prop_assert!((fit.slope - b).abs() < 1e-8, "{:?}", fit);
        prop_assert!(fit.largest_residual < 1e-8, "{:?}", fit);
    }
}

#[test]
fn a_line_has_residuals() {
    // By hand: x̄ = 1, ȳ = 2, slope = Σ(x − x̄)(y − ȳ) / Σ(x − x̄)² = 3/2.
    let fit = linear_fit(&[(0.0, 1.0), (1.0, 1.0), (2.0, 4.0)]).unwrap();
    assert!((fit.slope - 1.5).abs() < 1e-12);
    assert!((fit.intercept - 0.5).abs() < 1e-12);
    assert!((fit.largest_residual - 1.0).abs() < 1e-12);
    assert!((fit.rms_residual - 0.5f64.sqrt()).abs() < 1e-12);
    assert_eq!(
        linear_fit(&[(3.0, 1.0), (3.0, 2.0)]),
        Err(FitError::OnePoint)
    );
    assert_eq!(linear_fit(&[]), Err(FitError::OnePoint));
    assert_eq!(
        linear_fit(&[(0.0, 1.0), (1.0, f64::NAN)]),
        Err(FitError::Singular)
    );
}

#[test]
fn rejection_by_hand() {
    let classes = Classes::new(vec![true, true, false, true, false, true, false, false]).unwrap();
    let scores = [9.0, 8.0, 7.0, 6.0, 6.0, 5.0, 4.0, 3.0];
    // ε_S = ½ at the score 8: no background, so no finite rejection.
    let half = rejection(&scores, &classes, 0.5).unwrap();
    assert_eq!((half.background_efficiency, half.rejection), (0.0, None));
    // Half way through the tie at 6: 1 + ½ of 4 backgrounds.
    let between = rejection(&scores, &classes, 0.625).unwrap();
    assert_eq!(between.background_efficiency, 0.375);
    assert_eq!(between.rejection, Some(1.0 / 0.375));
    let all = rejection(&scores, &classes, 1.0).unwrap();
    assert_eq!(all.background_efficiency, 0.5);
    assert!((all.standard_error.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn what_cannot_be_ranked_is_refused() {
    assert_eq!(
        Classes::new(vec![true, true]),
        Err(MetricsError::OneClass {
            signal: 2,
            background: 0
        })
    );
    let classes = Classes::new(vec![true, false]).unwrap();
    assert_eq!(
        auc(&[1.0, f64::NAN], &classes),
        Err(MetricsError::NotANumber { event: 1 })
    );
    assert_eq!(
        auc(&[1.0], &classes),
        Err(MetricsError::Lengths {
            scores: 1,
            labels: 2
        })
    );
    assert_eq!(auc(&[f64::INFINITY, 0.0], &classes), Ok(1.0));
    assert_eq!(auc(&[0.0, -0.0], &classes), Ok(0.5));
}

#[test]
fn deviations() {
    let got = deviation(&[1.0, 2.0, 5.0, 1.0], &[1.0, 2.5, 3.0, 3.0]);
    assert_eq!((got.largest, got.at), (2.0, 2));
    assert_eq!(got.mean, -0.125);
    assert_eq!(got.rms, (8.25f64 / 4.0).sqrt());
    let nan = deviation(&[1.0, f64::NAN, 9.0], &[0.0, 0.0, 0.0]);
    assert!(nan.largest.is_nan() && nan.at == 1);
    assert_eq!(deviation(&[], &[]).largest, 0.0);
}

/// Two noisy copies of one truth: `noise` tells how far apart they are.
fn noisy(count: u32, noise: f64) -> (Vec<f64>, Vec<f64>, Classes) {
    // A low-discrepancy sequence is enough of a distribution here.
    let uniform = |i: u32, step: f64| (f64::from(i) * step).fract();
    let signal: Vec<bool> = (0..count).map(|i| i % 2 == 0).collect();
    let first: Vec<f64> = (0..count)
        .map(|i| uniform(i, 0.618_033_988_75) + 0.3 * f64::from(i % 2 == 0))
        .collect();
    let second = (0..count)
        .map(|i| first[i as usize] + noise * uniform(i, 0.754_877_666_2))
        .collect();
    (first, second, Classes::new(signal).unwrap())
}

#[test]
fn the_bootstrap_is_paired_and_repeatable() {
    let options = BootstrapOptions {
        replicas: 200,
        seed: 7,
    };
    let (first, second, classes) = noisy(4000, 0.1);
    let got = auc_difference(&first, &second, &classes, options).unwrap();
    assert_eq!(
        got,
        auc_difference(&first, &second, &classes, options).unwrap()
    );
    assert!(
        got.lower < got.difference && got.difference < got.upper,
        "{got:?}"
    );
    assert!(got.lower < got.upper && got.standard_error > 0.0);
    // Unpaired, the standard error would be that of two areas, about 0.006 each.
    assert!(got.standard_error < 0.002, "{got:?}");
    let same = auc_difference(&first, &first, &classes, options).unwrap();
    assert_eq!((same.difference, same.standard_error), (0.0, 0.0));
    let other = BootstrapOptions { seed: 8, ..options };
    assert_ne!(
        got,
        auc_difference(&first, &second, &classes, other).unwrap()
    );
}

#[test]
fn the_standard_error_is_that_of_hanley_and_mcneil() {
    // Against a constant score, whose area is ½ in every replica, the difference varies as one
    // area does. For uniforms on [0.3, 1.3] and [0, 1]: A = 1 − 0.7²/2 = 0.755, and with
    // Q1 = P(s1, s2 > b) = 0.3 + ∫₀^0.7 (1−x)² dx = 0.3 + (1 − 0.027)/3, Q2 = Q1 by symmetry,
    // σ² = [A(1−A) + (n_S−1)(Q1−A²) + (n_B−1)(Q2−A²)] / (n_S n_B).
    let (first, _, classes) = noisy(4000, 0.0);
    let constant = vec![0u8; first.len()];
    let options = BootstrapOptions {
        replicas: 2000,
        seed: 3,
    };
    let got = auc_difference(&first, &constant, &classes, options).unwrap();
    let (area, q, n) = (0.755f64, 0.3 + 0.973 / 3.0, 2000.0);
    assert!((got.difference - (area - 0.5)).abs() < 2e-3, "{got:?}");
    let variance = (area * (1.0 - area) + 2.0 * (n - 1.0) * (q - area * area)) / (n * n);
    assert!(
        (got.standard_error / variance.sqrt() - 1.0).abs() < 0.08,
        "{got:?} {variance}"
    );
    let width = (got.upper - got.lower) / got.standard_error;
    assert!((width - 3.92).abs() < 0.25, "{got:?}");
}

/// 20,000 events and 200 replicas take seconds; a square of them would take minutes, on a busy machine more.
#[test]
fn large_samples_are_quick() {
    let (first, second, classes) = noisy(20_000, 0.1);
    let start = std::time::Instant::now();
    auc_difference(&first, &second, &classes, BootstrapOptions::default()).unwrap();
    decision_ordering(&first, &second, &classes).unwrap();
    assert!(start.elapsed().as_secs() < 45, "{:?}", start.elapsed());
}
