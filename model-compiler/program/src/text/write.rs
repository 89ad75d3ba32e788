//! Program to text.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::{FORMAT_VERSION, names};
use crate::verify::is_identifier;
use crate::{
    Dim, Encoding, FieldOverflow, Input, Live, Operation, Overflow, Program, Rounding, Scale,
    Shape, Value, ValueId, WordRef, WordRounding,
};

/// Integers on a line of a constant's listing.
const PER_LINE: usize = 16;

pub(crate) fn write(program: &Program) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = Writer {
        program,
        out: &mut text,
    }
    .program();
    text
}

struct Writer<'a> {
    program: &'a Program,
    out: &'a mut String,
}

impl Writer<'_> {
    fn program(&mut self) -> fmt::Result {
        let program = self.program;
        writeln!(self.out, "hodoscope-program {FORMAT_VERSION}")?;
        writeln!(self.out, "program {}", program.name)?;
        for set in &program.sets {
            writeln!(self.out, "set {} capacity {}", set.name, set.capacity)?;
        }
        for input in &program.inputs {
            self.input(input)?;
        }
        for set in &program.sets {
            let name = &set.name;
            match set.live {
                Live::Always => writeln!(self.out, "live {name} always")?,
                Live::NotEmpty { input } => {
                    let input = quoted(&self.program.input(input).name);
                    writeln!(self.out, "live {name} not_empty {input}")?;
                }
                Live::Above { word, threshold } => {
                    let word = self.word(word);
                    writeln!(self.out, "live {name} {word} above {threshold}")?;
                }
                Live::NotEqual { word, empty } => {
                    let word = self.word(word);
                    writeln!(self.out, "live {name} {word} not {empty}")?;
                }
            }
            if let Some(word) = set.order {
                let word = self.word(word);
                writeln!(self.out, "order {name} {word}")?;
            }
        }
        for constant in &program.constants {
            let (name, element, shape) = (&constant.name, constant.element, &constant.shape);
            writeln!(self.out, "constant {name} {element} {shape:?}")?;
            let per_line = match shape.as_slice() {
                [_, columns] if *columns <= 2 * PER_LINE => (*columns).max(1),
                _ => PER_LINE,
            };
            for line in constant.data.chunks(per_line) {
                writeln!(self.out, " {}", joined(line))?;
            }
        }
        for value in &program.values {
            self.value(value)?;
        }
        for output in &program.outputs {
            let value = &program.value(output.value).name;
            writeln!(self.out, "output {} = {value}", quoted(&output.name))?;
        }
        Ok(())
    }

    fn input(&mut self, input: &Input) -> fmt::Result {
        write!(self.out, "input {}", quoted(&input.name))?;
        if let Some(set) = input.set {
            write!(self.out, " set {}", self.program.set(set).name)?;
        }
        writeln!(self.out, " channels {}", input.channels)?;
        for field in &input.fields {
            let overflow = match field.overflow {
                FieldOverflow::Saturate => "saturate",
                FieldOverflow::Wrap => "wrap",
            };
            write!(
                self.out,
                "  field {} unit \"{}\" lsb {:?} range {} {} {overflow} empty {}",
                field.name, field.unit, field.lsb, field.minimum, field.maximum, field.empty
            )?;
            match field.encoding {
                Encoding::Nearest => writeln!(self.out)?,
                Encoding::Calibrated => writeln!(self.out, " calibrated")?,
                Encoding::Quantiser {
                    rounding,
                    zero_point,
                    zero_first,
                } => {
                    let rounding = match rounding {
                        WordRounding::As(rounding) => names::of_rounding(rounding),
                        WordRounding::Ceil => "ceil",
                        WordRounding::Up => "up",
                    };
                    write!(self.out, " rounding {rounding}")?;
                    match (zero_point, zero_first) {
                        (0, false) => writeln!(self.out)?,
                        (zero, false) => writeln!(self.out, " zero {zero}")?,
                        (zero, true) => writeln!(self.out, " zero_first {zero}")?,
                    }
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &Value) -> fmt::Result {
        let shape = self.shape(&value.shape);
        let (name, element) = (&value.name, value.element);
        let scale = match &value.scale {
            Scale::Pow2(frac) => format!("frac {frac}"),
            Scale::Pow2PerChannel(fracs) => format!("fracs {}", joined(fracs)),
            Scale::Lsb(lsbs) => {
                let lsbs: Vec<String> = lsbs.iter().map(|x| format!("{x:?}")).collect();
                format!("lsb {}", lsbs.join(" "))
            }
        };
        let operation = self.operation(&value.operation);
        writeln!(
            self.out,
            "value {name} {shape} {element} {scale} = {operation}"
        )
    }

    fn operation(&self, operation: &Operation) -> String {
        let name = |id: &ValueId| self.name(*id);
        let constant = |id: &crate::ConstantId| &self.program.constant(*id).name;
        let round = |r: &Rounding| names::of_rounding(*r);
        let over = |o: &Overflow| names::of_overflow(*o);
        let arguments = match operation {
            Operation::Input(id) => quoted(&self.program.input(*id).name).into_owned(),
            Operation::Rescale {
                x,
                multipliers,
                offsets,
                shifts,
                rounding,
                overflow,
            } => format!(
                "{} by {} plus {} shift {} {} {}",
                name(x),
                joined(multipliers),
                joined(offsets),
                joined(shifts),
                round(rounding),
                over(overflow)
            ),
            Operation::Dense { x, weights, bias } => format!(
                "{} weights {} bias {}",
                name(x),
                constant(weights),
                constant(bias)
            ),
            Operation::DenseStepwise {
                x,
                weights,
                bias,
                product,
            } => format!(
                "{} weights {} bias {} product shift {} {} {} {}",
                name(x),
                constant(weights),
                constant(bias),
                product.shift,
                round(&product.rounding),
                product.element,
                over(&product.overflow)
            ),
            Operation::Divide {
                x,
                divisor,
                rounding,
            } => format!("{} by {divisor} {}", name(x), round(rounding)),
            Operation::Relu { x }
            | Operation::Sum { x }
            | Operation::ArgMax { x }
            | Operation::SumSquares { x }
            | Operation::Largest { x }
            | Operation::Exponent { x }
            | Operation::Reshape { x } => name(x).into(),
            Operation::Trees(trees) => format!(
                "{} nodes {} first {} roots {} leaves {} {}",
                name(&trees.x),
                constant(&trees.nodes),
                trees.first,
                constant(&trees.roots),
                constant(&trees.leaves),
                trees.aggregate.keyword()
            ),
            Operation::Gather { x, elements } => {
                format!("{} elements {}", name(x), joined(elements))
            }
            Operation::Max { x, empty } => format!("{} empty {}", name(x), constant(empty)),
            Operation::Count { set } => self.program.set(*set).name.clone(),
            Operation::LeakyRelu {
                x,
                multiplier,
                shift,
                rounding,
            } => format!(
                "{} by {multiplier} shift {shift} {}",
                name(x),
                round(rounding)
            ),
            Operation::Clip {
                x,
                minimum,
                maximum,
            } => format!("{} range {minimum} {maximum}", name(x)),
            Operation::Table { x, table } => format!("{} entries {}", name(x), constant(table)),
            Operation::Interpolate {
                x,
                table,
                first,
                shift,
            } => format!(
                "{} entries {} first {first} shift {shift}",
                name(x),
                constant(table)
            ),
            Operation::Mantissa { x, bits } => format!("{} bits {bits}", name(x)),
            Operation::Mul { a, b }
            | Operation::Add { a, b }
            | Operation::Sub { a, b }
            | Operation::MatMul { a, b }
            | Operation::Larger { a, b }
            | Operation::Smaller { a, b }
            | Operation::SquaredError { a, b } => format!("{} {}", name(a), name(b)),
            Operation::Quotient {
                a,
                b,
                shift,
                rounding,
            } => format!("{} {} shift {shift} {}", name(a), name(b), round(rounding)),
            Operation::SquareRoot { x, shift } => format!("{} shift {shift}", name(x)),
            Operation::TopK { x, count } => format!("{} count {count}", name(x)),
            Operation::Take { x, indices } => format!("{} rows {}", name(x), name(indices)),
            Operation::Select { x, channels } => {
                format!("{} channels {}", name(x), joined(channels))
            }
            Operation::Concat { parts } => {
                let parts: Vec<&str> = parts.iter().map(name).collect();
                format!("[{}]", parts.join(", "))
            }
        };
        format!("{} {arguments}", operation.keyword())
    }

    fn name(&self, id: ValueId) -> &str {
        &self.program.value(id).name
    }

    fn word(&self, word: WordRef) -> String {
        let input = quoted(&self.program.input(word.input).name);
        format!("{input}[{}]", word.channel)
    }

    fn shape(&self, shape: &Shape) -> String {
        let dims: Vec<String> = shape
            .0
            .iter()
            .map(|dim| match dim {
                Dim::Fixed(n) => n.to_string(),
                Dim::Multiplicity(set) => self.program.set(*set).name.clone(),
            })
            .collect();
        format!("[{}]", dims.join(", "))
    }
}

/// Names of the model's own choosing stand in quotes where they are no identifiers.
fn quoted(name: &str) -> Cow<'_, str> {
    if is_identifier(name) {
        name.into()
    } else {
        format!("\"{name}\"").into()
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(" ")
}
