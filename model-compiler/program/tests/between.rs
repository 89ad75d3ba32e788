//! Operations between activations: products of matrices, quotients, roots, order, computed indices. What the
//! verifier accepts, and the intervals that it proves.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

use hodoscope_program::{Program, ValueId};

/// Six words of ±7 in rows, and one line that computes `y` from them.
fn program(line: &str) -> Program {
    let text = format!(
        "hodoscope-program 1 program between
         input x channels 6 field x unit \"\" lsb 1.0 range -7 7 saturate empty 0
         input h channels 2 field h unit \"\" lsb 1.0 range 1 3 saturate empty 1
         value x [6] i4 frac 0 = input x
         value h [2] u2 frac 0 = input h
         value rows [2, 3] i4 frac 0 = reshape x
         value columns [3, 2] i4 frac 0 = reshape x
         value both [2, 1] u2 frac 0 = reshape h
         value best [2, 1] u2 frac 0 = top_k rows count 1
         {line}
         value flat [1] i4 frac 0 = select x channels 0
         output flat = flat"
    );
    Program::from_text(&text).unwrap_or_else(|e| panic!("{line}: {e}"))
}

fn interval(line: &str) -> (i128, i128) {
    let program = program(line);
    let proof = program.verify().unwrap_or_else(|e| panic!("{line}: {e}"));
    let y = proof.interval(ValueId::new(6));
    (y.minimum, y.maximum)
}

fn refused(line: &str, part: &str) {
    let error = program(line).verify().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("value 'y'"), "{line}: {error}");
    assert!(error.contains(part), "{line}: {error}");
}

#[test]
fn intervals_of_products_quotients_and_roots() {
    // 3 · 49.
    let products = "value y [2, 2] i9 frac 0 = mat_mul rows rows";
    assert_eq!(interval(products), (-147, 147));
    // ±7 · 4 / 1..=3.
    let quotients = "value y [2, 3] i6 frac 0 = quotient rows both shift 2 rnd";
    assert_eq!(interval(quotients), (-28, 28));
    // A divisor that can be 0 has the whole type.
    let quotients = "value y [2, 3] i5 frac 0 = quotient rows rows shift 0 trn";
    assert_eq!(interval(quotients), (-16, 15));
    // The dividend saturates.
    let quotients = "value y [2, 3] i4 frac 0 = quotient rows both shift 2 rnd";
    assert_eq!(interval(quotients), (-8, 7));
    // √28 is 5.29, √14 is 3.74.
    assert_eq!(
        interval("value y [6] u3 frac 0 = square_root x shift 2"),
        (0, 5)
    );
    assert_eq!(
        interval("value y [6] u3 frac 0 = square_root x shift 1"),
        (0, 3)
    );
    // Entries 0, 10, 30, 20 from −8 on, four raws apart: x reaches the first to the last.
    let lines = "constant t u8 [5] 0 10 30 20 9\nvalue y [6] u8 frac 0 = interpolate x entries t first -8 shift 2";
    assert_eq!(interval(lines), (0, 30));
    assert_eq!(interval("value y [6] u3 frac 0 = exponent x"), (0, 3));
    assert_eq!(
        interval("value y [6] u5 frac 0 = mantissa x bits 5"),
        (0, 31)
    );
    assert_eq!(
        interval("value y [2] u5 frac 0 = mantissa h bits 5"),
        (16, 31)
    );
    assert_eq!(interval("value y [2] u2 frac 0 = larger h h"), (1, 3));
    assert_eq!(interval("value y [6] i4 frac 0 = smaller x x"), (-7, 7));
    assert_eq!(interval("value y [2, 1] i4 frac 0 = largest rows"), (-7, 7));
    assert_eq!(
        interval("value y [2, 3] u2 frac 0 = top_k rows count 3"),
        (0, 2)
    );
    assert_eq!(
        interval("value y [2, 2] i4 frac 0 = take columns rows best"),
        (-7, 7)
    );
}

#[test]
fn sums_of_products_need_their_width() {
    let narrow = "value y [2, 2] i8 frac 0 = mat_mul rows rows";
    refused(narrow, "can reach -147..=147, which i8 does not hold");
}

#[test]
fn shapes_that_do_not_fit() {
    let none = "value y [2, 2] i32 frac 0 = mat_mul rows columns";
    refused(none, "have no products");
    refused("value y [6, 6] i32 frac 0 = mat_mul x x", "no matrix");
    refused("value y [3, 2] i32 frac 0 = mat_mul rows rows", "is wanted");
    let divisor = "value y [2, 3] i8 frac 0 = quotient rows columns shift 0 rnd";
    refused(divisor, "is wanted");
    refused(
        "value y [2, 4] u2 frac 0 = top_k rows count 4",
        "4 of 3 channels",
    );
    refused(
        "value y [2, 0] u2 frac 0 = top_k rows count 0",
        "has an axis of no elements",
    );
    refused(
        "value y [3, 3] i4 frac 0 = take rows rows best",
        "is wanted",
    );
    refused(
        "value y [6, 1] i4 frac 0 = take x rows x",
        "no list of rows",
    );
}

#[test]
fn parameters_that_are_not_allowed() {
    let shift = "value y [2, 3] i8 frac 0 = quotient rows both shift 63 rnd";
    refused(shift, "62 and 32 bits at most");
    let wide = "value y [2, 3] i33 frac 0 = quotient rows both shift 1 rnd";
    refused(wide, "62 and 32 bits at most");
    let product = "value y [2, 3] i8 frac 0 = quotient rows both shift 61 rnd";
    refused(product, "exceeds 63 bits");
    refused(
        "value y [6] u40 frac 0 = square_root x shift 61",
        "exceeds 63 bits",
    );
    refused(
        "value y [6] u40 frac 0 = square_root x shift 63",
        "62 at most",
    );
    let table = |shape: &str, rest: &str| {
        format!("constant t u8 {shape}\nvalue y [6] u8 frac 0 = interpolate x entries t {rest}")
    };
    let refused_table =
        |shape: &str, rest: &str, reason: &str| refused(&table(shape, rest), reason);
    refused_table("[4] 1 2 3 4", "first -8 shift 31", "2^30 at most");
    // Three cells of four raws: 7 would be in a fourth.
    refused_table(
        "[4] 1 2 3 4",
        "first -8 shift 2",
        "can reach -7..=7, and the table has -8..=3",
    );
    refused_table("[4] 1 2 3 4", "first -6 shift 4", "the table has -6..=41");
    refused_table("[1] 1", "first -8 shift 4", "has no cell");
    refused("value y [6] u31 frac 0 = mantissa x bits 32", "1 to 31");
    // Three rows, of which −7 is none.
    refused(
        "value y [6, 2] i4 frac 0 = take columns rows x",
        "an index can reach -7..=7, of 3 rows",
    );
}
