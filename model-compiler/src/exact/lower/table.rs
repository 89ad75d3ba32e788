//! Tables: rows that an index names, and functions whose results are quantised.

use hodoscope_program::{IntType, Interval, Operation, Overflow, Rounding, ValueId};

use super::arithmetic::real;
use super::near::common;
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, extents, quantise};
use crate::exact::builder::narrowest;
use crate::exact::dyadic::Dyadic;
use crate::graph::{GraphBuilder, Op, Quantiser, Tensor, Unary, eval_constant};

/// Largest width of an index.
pub(super) const INDEX_BITS: u8 = 16;

/// A function of numbers, in single precision as the exporter computes it.
pub(super) fn applied(function: Unary, x: Vec<f32>) -> Lowered<Vec<f32>> {
    evaluated(&Op::Unary(function), x)
}

fn evaluated(op: &Op, x: Vec<f32>) -> Lowered<Vec<f32>> {
    let mut graph = GraphBuilder::new("");
    let tensor = Tensor::vector(x);
    let x = graph.constant("", tensor).map_err(|e| e.to_string())?;
    let mut budget = 1 << 26;
    let result = eval_constant(graph.graph(), op, &[x], &mut budget).map_err(|e| e.to_string())?;
    Ok(result.ok_or("its table is too long")?.data)
}

/// A value that indexes a table: type, reachable raws, and what a raw means.
struct Index {
    x: ValueId,
    ty: IntType,
    reached: Interval,
    step: Dyadic,
    offset: Dyadic,
}

impl Index {
    /// The number of a raw.
    fn number(&self, raw: i64) -> Option<Dyadic> {
        Dyadic::integer(raw).times(self.step)?.plus(self.offset)
    }

    /// A table over the type: `entry` of each number that can occur, 0 elsewhere.
    fn entries(&self, entry: impl Fn(Dyadic) -> Lowered<i64>) -> Lowered<Vec<i64>> {
        let mut entries = vec![0; 1 << self.ty.width];
        for raw in quantise::raws(self.reached) {
            let number = self.number(raw).ok_or(PROPORTION)?;
            entries[(raw - self.ty.minimum()) as usize] = entry(number)?;
        }
        Ok(entries)
    }
}

impl Lowering<'_> {
    /// The rows of a table that integers name, negative ones from its end.
    pub(super) fn lookup(
        &mut self,
        name: &str,
        x: Real,
        table: &Real,
        shape: &[usize],
    ) -> Lowered<Real> {
        let numbers = table.numbers().ok_or("its table is no constant")?;
        let rows = table.shape.first().copied().unwrap_or(1) as i128;
        let width = numbers.len() / rows as usize;
        let elements = x.elements();
        let index = self.index(name, x, &[elements, 1])?;
        let finest = numbers.iter().filter(|n| !n.is_zero());
        let grid = finest.map(|n| n.exponent()).min().unwrap_or(0);
        let grid = Dyadic::power(grid).ok_or(PROPORTION)?;
        let mut columns = Vec::with_capacity(width);
        for column in 0..width {
            let entries = index.entries(|number| {
                let row = number.counts(0).ok_or("its index is no integer")?;
                let row = if row < 0 { row + rows } else { row };
                let row = usize::try_from(row).ok().filter(|_| row < rows);
                let row = row.ok_or_else(|| {
                    format!("its index can leave the {rows} rows of the table; state the range of the input's words")
                })?;
                let entry = numbers[row * width + column].integer_over(grid);
                let entry = entry.and_then(|n| i64::try_from(n).ok());
                entry.ok_or_else(|| "its table needs more than 64 bits; is it quantised?".into())
            })?;
            let column = format!("{name}.table");
            let table = self.builder.constant(&column, vec![entries.len()], entries);
            let operation = Operation::Table { x: index.x, table };
            let dims = self.builder.dims(index.x);
            columns.push(self.builder.push(
                &format!("{name}.column"),
                &dims,
                operation,
                None,
                &[grid],
            )?);
        }
        let step = vec![grid; elements * width];
        let id = match columns[..] {
            [column] => column,
            _ => {
                let operation = Operation::Concat { parts: columns };
                let dims = extents(&[elements, width]);
                self.builder.push(name, &dims, operation, None, &step)?
            }
        };
        Ok(real(shape, id, step))
    }

    /// A quantised function of a quantised number.
    pub(super) fn tabulated(
        &mut self,
        name: &str,
        function: Unary,
        x: Real,
        q: &Quantiser,
    ) -> Lowered<Real> {
        if self.ours && self.is_wide(&x) {
            return self.function(name, function, x, q);
        }
        let shape = x.shape.clone();
        let (Some(_), Some(_)) = (q.scale.single(), q.zero_point.single()) else {
            return Err("a table needs one scale for all channels".into());
        };
        let index = self.index(name, x, &extents(&shape))?;
        let entries = index.entries(|number| {
            let value = applied(function, vec![number.to_f64() as f32])?;
            let quantised = evaluated(&Op::Quantise(Box::new(q.clone())), value)?;
            match quantised[..] {
                [integer] if integer.is_finite() => Ok(integer as i64),
                _ => Err(format!(
                    "{} is not finite on {}",
                    function.name(),
                    number.to_f64()
                )),
            }
        })?;
        let table = format!("{name}.table");
        let table = self.builder.constant(&table, vec![entries.len()], entries);
        let operation = Operation::Table { x: index.x, table };
        let dims = self.builder.dims(index.x);
        let step = vec![Dyadic::ONE; shape.iter().product()];
        let id = self.builder.push(name, &dims, operation, None, &step)?;
        Ok(real(&shape, id, step))
    }

    /// Whether a table over every raw would be long.
    pub(super) fn is_wide(&self, x: &Real) -> bool {
        match &x.source {
            Source::Value(id) => self.builder.element(*id).width > super::function::PLAIN_BITS,
            Source::Constant(_) => false,
        }
    }

    /// An index in the narrowest type that holds what is proved of it: a sum of truths has few values.
    fn in_fewest_bits(&mut self, name: &str, x: ValueId) -> Lowered<ValueId> {
        let narrow = narrowest(self.builder.interval(x), false);
        let own = self.builder.element(x);
        let Some(narrow) = narrow.filter(|ty| own.width > INDEX_BITS && ty.width <= INDEX_BITS)
        else {
            return Ok(x);
        };
        let factors = Factors {
            multipliers: vec![1],
            offsets: vec![0],
            shifts: vec![0],
        };
        let name = format!("{name}.index");
        let step = vec![Dyadic::ONE; self.builder.dims(x).iter().product()];
        let (rounding, overflow) = (Rounding::Trn, Overflow::Sat);
        self.builder
            .rescale(&name, x, factors, rounding, overflow, Some(narrow), &step)
    }

    /// The value that indexes a table, all its elements alike.
    fn index(&mut self, name: &str, x: Real, dims: &[usize]) -> Lowered<Index> {
        super::no_divisor(&x)?;
        let alike = |entries: &[Dyadic]| entries.iter().all(|e| *e == entries[0]);
        let x = match alike(&x.step) && alike(&x.offset) {
            true => x,
            false => {
                let x = self.centred(name, x)?;
                let grid = common(&x.step, self.ours).ok_or(PROPORTION)?;
                let grid = vec![grid; x.elements()];
                self.on_grid(name, x, &grid)?
            }
        };
        let Source::Value(id) = x.source else {
            return Err("its index is a constant".into());
        };
        let dims = match dims {
            [1, channels] => vec![*channels],
            dims => dims.to_vec(),
        };
        let id = self.builder.view(id, &dims)?;
        let id = self.in_fewest_bits(name, id)?;
        let ty = self.builder.element(id);
        if ty.width > INDEX_BITS {
            return Err(format!(
                "a table over {ty} is too long: quantise its operand to {INDEX_BITS} bits or fewer"
            ));
        }
        Ok(Index {
            x: id,
            ty,
            reached: self.builder.interval(id),
            step: x.step[0],
            offset: x.offset[0],
        })
    }
}
