//! Invariant 6: operands and results have the shapes that the operation asks for.

use super::work::{MAX_AXES, MAX_ELEMENTS, Work, elements};
use crate::{Constant, Dim, InputId, Operation, Program, Shape, Value, ValueId};

/// Checks the shapes of a value whose operands are right, and adds what it takes to `work`.
pub(super) fn check(program: &Program, value: &Value, work: &mut Work) -> Result<(), String> {
    canonical(program, &value.shape)?;
    work.add(program, value)?;
    operation(program, value)
}

fn operation(program: &Program, value: &Value) -> Result<(), String> {
    let shape_of = |id: ValueId| &program.value(id).shape;
    let result = &value.shape;
    match &value.operation {
        Operation::Input(id) => words(program, value, *id),
        Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            ..
        } => {
            expect(result, shape_of(*x))?;
            per_channel("multipliers", multipliers.len(), result)?;
            per_channel("offsets", offsets.len(), result)?;
            per_channel("shifts", shifts.len(), result)
        }
        Operation::Relu { x }
        | Operation::LeakyRelu { x, .. }
        | Operation::Clip { x, .. }
        | Operation::SquareRoot { x, .. }
        | Operation::Exponent { x }
        | Operation::Mantissa { x, .. }
        | Operation::Divide { x, .. } => expect(result, shape_of(*x)),
        Operation::Table { x, table } => {
            expect(result, shape_of(*x))?;
            let ty = program.value(*x).element;
            if ty.width > 16 {
                return Err(format!("a table over {ty} is too long: 16 bits at most"));
            }
            expect_extents(&program.constant(*table).shape, &[1 << ty.width])
        }
        Operation::Interpolate { x, table, .. } => {
            expect(result, shape_of(*x))?;
            cells(program.constant(*table))
        }
        Operation::Dense { x, weights, bias }
        | Operation::DenseStepwise {
            x, weights, bias, ..
        } => {
            let x = shape_of(*x);
            let (inputs, outputs) = (x.channels(), result.channels());
            expect(result, &with_channels(x, outputs))?;
            expect_extents(&program.constant(*weights).shape, &[outputs, inputs])?;
            expect_extents(&program.constant(*bias).shape, &[outputs])
        }
        Operation::Sum { x } => {
            let x = shape_of(*x);
            if x.0.len() < 2 {
                return Err("the operand has no multiplicity to sum over, and no rows".into());
            }
            expect(result, &Shape(x.0[1..].to_vec()))
        }
        Operation::Max { x, empty } => {
            let x = shape_of(*x);
            if x.set().is_none() || x.0.len() != 2 {
                return Err("the operand is no row per constituent".into());
            }
            expect_extents(&program.constant(*empty).shape, &[x.channels()])?;
            expect(result, &Shape(x.0[1..].to_vec()))
        }
        Operation::Count { .. } => expect(result, &Shape::row(1)),
        Operation::ArgMax { x } => {
            let x = shape_of(*x);
            if x.0.len() > 1 + usize::from(x.set().is_some()) {
                return Err("the operand has several rows".into());
            }
            expect(result, &with_channels(x, 1))
        }
        Operation::Mul { a, b } => products(shape_of(*a), shape_of(*b), result),
        Operation::Quotient { a, b, .. } => {
            expect(result, shape_of(*a))?;
            match shape_of(*b).channels() {
                1 => expect(&with_channels(shape_of(*b), result.channels()), result),
                _ => expect(shape_of(*b), result),
            }
        }
        Operation::Add { a, b }
        | Operation::Sub { a, b }
        | Operation::Larger { a, b }
        | Operation::Smaller { a, b } => {
            expect(result, shape_of(*a))?;
            expect(result, shape_of(*b))
        }
        Operation::SquaredError { a, b } => {
            expect(shape_of(*a), shape_of(*b))?;
            expect(result, &with_channels(shape_of(*a), 1))
        }
        Operation::SumSquares { x } | Operation::Largest { x } => {
            expect(result, &with_channels(shape_of(*x), 1))
        }
        Operation::TopK { x, count } => {
            let x = shape_of(*x);
            if !(1..=x.channels()).contains(count) {
                return Err(format!(
                    "{count} of {} channels cannot be taken",
                    x.channels()
                ));
            }
            expect(result, &with_channels(x, *count))
        }
        Operation::MatMul { a, b } => mat_mul(shape_of(*a), shape_of(*b), result),
        Operation::Take { x, indices } => {
            let x = shape_of(*x);
            constant_elements(x)?;
            if x.0.len() != 2 {
                return Err("the operand is no list of rows".into());
            }
            let rows = constant_elements(shape_of(*indices))?;
            let channels = Dim::Fixed(x.channels());
            expect(result, &Shape(vec![Dim::Fixed(rows), channels]))
        }
        Operation::Select { x, channels } => {
            let x = shape_of(*x);
            if let Some(channel) = channels.iter().find(|c| **c >= x.channels()) {
                return Err(format!("the operand has no channel {channel}"));
            }
            expect(result, &with_channels(x, channels.len()))
        }
        Operation::Concat { parts } => {
            let parts: Vec<&Shape> = parts.iter().map(|part| shape_of(*part)).collect();
            concatenated(&parts, result)
        }
        Operation::Reshape { x } => {
            let (of_x, of_result) = (constant_elements(shape_of(*x))?, constant_elements(result)?);
            if of_x != of_result {
                return Err(format!("{of_x} elements do not fill {result:?}"));
            }
            Ok(())
        }
        Operation::Trees(trees) => {
            let x = shape_of(trees.x);
            let targets = result.channels();
            expect(result, &with_channels(x, targets))?;
            super::trees::shapes(program, trees, x.channels(), targets)
        }
        Operation::Gather { x, elements } => gathered(shape_of(*x), elements, result),
    }
}

fn words(program: &Program, value: &Value, id: InputId) -> Result<(), String> {
    let input = program.input(id);
    let expected = match input.set {
        Some(set) => Shape::per_constituent(set, input.channels),
        None => Shape::row(input.channels),
    };
    expect(&value.shape, &expected)?;
    if value.element != input.element() {
        return Err(format!("{} is not the words' type", value.element));
    }
    Ok(())
}

fn cells(table: &Constant) -> Result<(), String> {
    if table.shape.len() != 1 || table.data.len() < 2 {
        return Err(format!(
            "a table of shape {:?} has no cell: a row of two entries or more is wanted",
            table.shape
        ));
    }
    if table.element.width > 32 {
        return Err(format!(
            "entries of {} are too wide: 32 bits at most",
            table.element
        ));
    }
    Ok(())
}

fn products(a: &Shape, b: &Shape, result: &Shape) -> Result<(), String> {
    let channels = a.channels().max(b.channels());
    for operand in [a, b] {
        if operand.channels() != 1 {
            expect(operand, result)?;
        } else {
            expect(&with_channels(operand, channels), result)?;
        }
    }
    Ok(())
}

fn mat_mul(a: &Shape, b: &Shape, result: &Shape) -> Result<(), String> {
    constant_elements(a)?;
    constant_elements(b)?;
    let (Some((rows, inner)), Some((columns, same))) = (matrices(a), matrices(b)) else {
        return Err("an operand is no matrix".into());
    };
    let outer = |shape: &Shape| shape.0[..shape.0.len() - 2].to_vec();
    if inner != same || outer(a) != outer(b) {
        return Err(format!("rows of {a:?} and of {b:?} have no products"));
    }
    let mut product = outer(a);
    product.extend([rows, columns]);
    expect(result, &Shape(product))
}

fn concatenated(parts: &[&Shape], result: &Shape) -> Result<(), String> {
    if parts.is_empty() {
        return Err("there is nothing to concatenate".into());
    }
    for part in parts {
        expect(&with_channels(part, result.channels()), result)?;
    }
    let channels = parts.iter().map(|part| part.channels()).sum();
    expect(result, &with_channels(result, channels))
}

fn gathered(x: &Shape, elements: &[usize], result: &Shape) -> Result<(), String> {
    let (of_x, of_result) = (constant_elements(x)?, constant_elements(result)?);
    if elements.len() != of_result {
        return Err(format!(
            "{} elements do not fill {result:?}",
            elements.len()
        ));
    }
    match elements.iter().find(|element| **element >= of_x) {
        Some(element) => Err(format!("the operand has no element {element}")),
        None => Ok(()),
    }
}

/// Rows and columns of the matrices in a shape.
fn matrices(shape: &Shape) -> Option<(Dim, Dim)> {
    match shape.0[..] {
        [.., rows, columns] => Some((rows, columns)),
        _ => None,
    }
}

/// Elements of a shape without a multiplicity.
fn constant_elements(shape: &Shape) -> Result<usize, String> {
    match shape.set() {
        Some(_) => Err("the elements of a set's constituents stay in their rows".into()),
        None => Ok(shape.elements(0)),
    }
}

/// A multiplicity comes first, the last axis is a number of channels, and no axis is empty.
fn canonical(program: &Program, shape: &Shape) -> Result<(), String> {
    if shape.0.len() > MAX_AXES {
        return Err(format!("the shape has more than {MAX_AXES} axes"));
    }
    let inner_multiplicity = shape
        .0
        .iter()
        .skip(1)
        .any(|d| matches!(d, Dim::Multiplicity(_)));
    let channels = matches!(shape.0.last(), Some(Dim::Fixed(_)));
    if inner_multiplicity || !channels {
        return Err(format!("{shape:?} is not a shape of this version"));
    }
    if shape.0.contains(&Dim::Fixed(0)) {
        return Err(format!("{shape:?} has an axis of no elements"));
    }
    if elements(program, shape) > MAX_ELEMENTS as u64 {
        return Err(format!("{shape:?} has more than {MAX_ELEMENTS} elements"));
    }
    Ok(())
}

fn with_channels(shape: &Shape, channels: usize) -> Shape {
    let mut dims = shape.0.clone();
    if let Some(last) = dims.last_mut() {
        *last = Dim::Fixed(channels);
    }
    Shape(dims)
}

fn expect(got: &Shape, wanted: &Shape) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("shape {got:?} where {wanted:?} is wanted"))
}

fn expect_extents(got: &[usize], wanted: &[usize]) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    Err(format!(
        "a constant of shape {got:?} where {wanted:?} is wanted"
    ))
}

fn per_channel(what: &str, got: usize, shape: &Shape) -> Result<(), String> {
    if got == 1 || got == shape.channels() {
        return Ok(());
    }
    Err(format!("{got} {what} for {} channels", shape.channels()))
}
