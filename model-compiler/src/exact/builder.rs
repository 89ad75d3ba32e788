//! Grows a program value by value; each gets the narrowest type that its proved interval allows.

use std::collections::{HashMap, HashSet};

use hodoscope_program::{
    Constant, ConstantId, Dim, ExactF64, Input, InputId, IntType, Interval, Operation, Overflow,
    Program, Rounding, Scale, Shape, Value, ValueId,
};

use super::dyadic::Dyadic;
use crate::names::identifier;
use crate::windows::windows;

/// Elements that are selected one by one, at most: more are gathered by a table.
const SELECTED: usize = 32;
/// Type of a value until its interval is known.
const WIDEST: IntType = IntType::signed(64);

/// A program under construction, with what is proved of its values.
#[derive(Debug)]
pub(super) struct Builder {
    pub program: Program,
    intervals: Vec<Vec<Interval>>,
    names: HashSet<String>,
    views: HashMap<(ValueId, Vec<usize>), ValueId>,
}

/// Constants of a rescale, one per element of its operand or one for all.
#[derive(Clone, Debug)]
pub(super) struct Factors {
    pub multipliers: Vec<i64>,
    pub offsets: Vec<i64>,
    pub shifts: Vec<u8>,
}

impl Builder {
    pub fn new(name: &str) -> Self {
        Self {
            program: Program {
                name: identifier(name),
                sets: vec![],
                inputs: vec![],
                constants: vec![],
                values: vec![],
                outputs: vec![],
            },
            intervals: vec![],
            names: HashSet::new(),
            views: HashMap::new(),
        }
    }

    pub fn input(&mut self, input: Input) -> Result<ValueId, String> {
        let lsb: Vec<ExactF64> = input.fields.iter().map(|f| f.lsb).collect();
        let step: Vec<Dyadic> = (0..input.channels)
            .map(|c| Dyadic::of(lsb[c % lsb.len()].0).unwrap_or(Dyadic::ONE))
            .collect();
        let (name, channels, element) = (input.name.clone(), input.channels, input.element());
        self.program.inputs.push(input);
        let id = InputId::new(self.program.inputs.len() - 1);
        let operation = Operation::Input(id);
        self.push(&name, &[channels], operation, Some(element), &step)
    }

    pub fn constant(&mut self, name: &str, shape: Vec<usize>, data: Vec<i64>) -> ConstantId {
        let name = self.unique(name);
        let minimum = data.iter().copied().min().unwrap_or(0).into();
        let maximum = data.iter().copied().max().unwrap_or(0).into();
        let element = narrowest(Interval::between(minimum, maximum), true).unwrap_or(WIDEST);
        self.program.constants.push(Constant {
            name,
            shape,
            element: element.storage(),
            data,
        });
        ConstantId::new(self.program.constants.len() - 1)
    }

    /// Adds a value. Without a declared type it gets the narrowest that holds what is proved of it;
    /// sums get 32 or 64 bits, which hold every partial sum.
    pub fn push(
        &mut self,
        name: &str,
        dims: &[usize],
        operation: Operation,
        declared: Option<IntType>,
        step: &[Dyadic],
    ) -> Result<ValueId, String> {
        let channels = dims.last().copied().unwrap_or(1);
        let mut value = Value {
            name: self.unique(name),
            shape: Shape(dims.iter().map(|d| Dim::Fixed(*d)).collect()),
            element: declared.unwrap_or(WIDEST),
            scale: scale(step, channels),
            operation,
        };
        let (intervals, partial) = self.program.intervals_of(&value, &self.intervals)?;
        let hull = intervals
            .iter()
            .copied()
            .reduce(Interval::hull)
            .unwrap_or(Interval::point(0));
        let holds = |ty: IntType| hull.fits(ty) && partial <= ty.maximum().into();
        value.element = match declared {
            Some(ty) => ty,
            None if is_sum(&value.operation) => IntType::signed(32),
            None => narrowest(hull, false).unwrap_or(WIDEST),
        };
        if declared.is_none() && !holds(value.element) {
            value.element = WIDEST;
        }
        if !holds(value.element) {
            return Err(format!(
                "it can reach {hull}, which {} does not hold",
                value.element
            ));
        }
        self.intervals.push(intervals);
        self.program.values.push(value);
        Ok(ValueId::new(self.program.values.len() - 1))
    }

    /// Adds a rescale. The result has the operand's elements; where constants differ from row to row
    /// it is one row.
    #[allow(clippy::too_many_arguments)] // The fields of the operation.
    pub fn rescale(
        &mut self,
        name: &str,
        x: ValueId,
        factors: Factors,
        rounding: Rounding,
        overflow: Overflow,
        declared: Option<IntType>,
        step: &[Dyadic],
    ) -> Result<ValueId, String> {
        allowed(&factors)?;
        if let Some((base, elements)) = self.permuted(x) {
            // One by one: the elements are permuted afterwards.
            let mut factors = factors;
            factors.multipliers = unpermuted(&factors.multipliers, &elements);
            factors.offsets = unpermuted(&factors.offsets, &elements);
            factors.shifts = unpermuted(&factors.shifts, &elements);
            let own = unpermuted(step, &elements);
            let base = self.rescale(name, base, factors, rounding, overflow, declared, &own)?;
            return self.gather(name, base, &elements, &self.dims(x), step);
        }
        let dims = self.dims(x);
        let channels = dims.last().copied().unwrap_or(1);
        let repeats = periodic(&factors.multipliers, channels)
            && periodic(&factors.offsets, channels)
            && periodic(&factors.shifts, channels);
        let elements = dims.iter().product();
        let dims = match (repeats, period(&factors, elements)) {
            (true, _) if dims.len() > 1 => dims,
            (_, Some(row)) if row > 1 && row < elements => vec![elements / row, row],
            _ => vec![elements],
        };
        let x = self.view(x, &dims)?;
        let channels = dims.last().copied().unwrap_or(1);
        let operation = Operation::Rescale {
            x,
            multipliers: compressed(factors.multipliers, channels),
            offsets: compressed(factors.offsets, channels),
            shifts: compressed(factors.shifts, channels),
            rounding,
            overflow,
        };
        self.push(name, &dims, operation, declared, step)
    }

    /// y = max(x, 0).
    pub fn relu(&mut self, name: &str, x: ValueId, step: &[Dyadic]) -> Result<ValueId, String> {
        if let Some((base, elements)) = self.permuted(x) {
            let own = unpermuted(step, &elements);
            let base = self.relu(name, base, &own)?;
            return self.gather(name, base, &elements, &self.dims(x), step);
        }
        let dims = self.dims(x);
        self.push(name, &dims, Operation::Relu { x }, None, step)
    }

    /// Elements of x in another order, or only some of them; where the tables are no longer for it, at once with what is
    /// gathered already. Windows on a padded image have short tables, windows on what the padding is made of have not.
    pub fn gather(
        &mut self,
        name: &str,
        x: ValueId,
        elements: &[usize],
        dims: &[usize],
        step: &[Dyadic],
    ) -> Result<ValueId, String> {
        let (x, elements) = match &self.program.value(self.base(x)).operation {
            Operation::Gather {
                x: base,
                elements: first,
            } => {
                let both: Vec<usize> = elements.iter().map(|e| first[*e]).collect();
                match table(elements) + table(first) < table(&both) {
                    true => (x, elements.to_vec()),
                    false => (*base, both),
                }
            }
            _ => (x, elements.to_vec()),
        };
        let own: usize = self.dims(x).iter().product();
        if elements.len() == own && elements.is_sorted_by(|a, b| a < b) {
            return self.view(x, dims);
        }
        let name = format!("{name}.moved");
        let element = Some(self.element(x));
        let operation = match (&self.dims(x)[..], dims) {
            // Few enough for code of their own.
            ([_], [_]) if elements.len() <= SELECTED => Operation::Select {
                x,
                channels: elements,
            },
            _ => Operation::Gather { x, elements },
        };
        self.push(&name, dims, operation, element, step)
    }

    /// The operand of the relu that `x` is, or shows in another order, in that order; nothing where it is none.
    pub fn before_relu(&mut self, x: ValueId) -> Option<ValueId> {
        let dims = self.dims(x);
        if let Some((base, elements)) = self.permuted(x) {
            let before = self.before_relu(base)?;
            let steps = self.steps(before);
            let steps: Vec<Dyadic> = elements.iter().map(|e| steps[*e]).collect();
            let name = self.program.value(before).name.clone();
            return self.gather(&name, before, &elements, &dims, &steps).ok();
        }
        let base = self.base(x);
        let Operation::Relu { x: before } = self.program.value(base).operation else {
            return None;
        };
        self.view(before, &dims).ok()
    }

    /// What a view shows.
    pub fn base(&self, x: ValueId) -> ValueId {
        match self.program.value(x).operation {
            Operation::Reshape { x } => x,
            _ => x,
        }
    }

    /// The value of which x is a permutation, and the place of each element in it.
    pub fn permuted(&self, x: ValueId) -> Option<(ValueId, Vec<usize>)> {
        let Operation::Gather { x: base, elements } = &self.program.value(self.base(x)).operation
        else {
            return None;
        };
        let mut seen = vec![false; self.dims(*base).iter().product()];
        elements.iter().for_each(|e| seen[*e] = true);
        let all = elements.len() == seen.len() && seen.into_iter().all(|s| s);
        all.then(|| (*base, elements.clone()))
    }

    /// The same elements under other extents.
    pub fn view(&mut self, x: ValueId, dims: &[usize]) -> Result<ValueId, String> {
        if self.dims(x) == dims {
            return Ok(x);
        }
        // A view of a view is one of the value.
        let base = match self.program.value(x).operation {
            Operation::Reshape { x } => x,
            _ => x,
        };
        if self.dims(base) == dims {
            return Ok(base);
        }
        if let Some(known) = self.views.get(&(base, dims.to_vec())) {
            return Ok(*known);
        }
        let value = self.program.value(base);
        let (name, element) = (format!("{}.view", value.name), value.element);
        let step: Vec<Dyadic> = self.steps(base);
        let operation = Operation::Reshape { x: base };
        let view = self.push(&name, dims, operation, Some(element), &step)?;
        self.views.insert((base, dims.to_vec()), view);
        Ok(view)
    }

    /// LSBs of every element, from the scale.
    fn steps(&self, id: ValueId) -> Vec<Dyadic> {
        let value = self.program.value(id);
        let channels = value.shape.channels();
        (0..value.shape.elements(0))
            .map(|e| Dyadic::of(value.scale.lsb(e % channels)).unwrap_or(Dyadic::ONE))
            .collect()
    }

    pub fn dims(&self, id: ValueId) -> Vec<usize> {
        let dims = self.program.value(id).shape.0.iter();
        dims.map(|dim| match dim {
            Dim::Fixed(n) => *n,
            Dim::Multiplicity(_) => 1,
        })
        .collect()
    }

    /// Number of elements of a value.
    pub fn elements(&self, id: ValueId) -> usize {
        self.dims(id).iter().product()
    }

    pub fn element(&self, id: ValueId) -> IntType {
        self.program.value(id).element
    }

    /// What is proved of every element.
    pub fn interval(&self, id: ValueId) -> Interval {
        let channels = self.intervals[id.index()].iter().copied();
        channels
            .reduce(Interval::hull)
            .unwrap_or(Interval::point(0))
    }

    /// What is proved of one element.
    pub fn interval_of(&self, id: ValueId, element: usize) -> Interval {
        let channels = &self.intervals[id.index()];
        match channels.len() {
            0 => Interval::point(0),
            n => channels[element % n],
        }
    }

    fn unique(&mut self, name: &str) -> String {
        let base = identifier(name);
        let mut candidate = base.clone();
        let mut count = 1;
        while !self.names.insert(candidate.clone()) {
            count += 1;
            candidate = format!("{base}.{count}");
        }
        candidate
    }
}

/// Entries in the order of the elements before they were permuted; one entry serves all.
fn unpermuted<T: Copy>(entries: &[T], elements: &[usize]) -> Vec<T> {
    if entries.len() != elements.len() {
        return entries.to_vec();
    }
    let mut own = entries.to_vec();
    for (entry, element) in entries.iter().zip(elements) {
        own[*element] = *entry;
    }
    own
}

fn is_sum(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Dense { .. }
            | Operation::DenseStepwise { .. }
            | Operation::Sum { .. }
            | Operation::SumSquares { .. }
            | Operation::MatMul { .. }
            | Operation::SquaredError { .. }
            | Operation::Trees(_)
    )
}

/// The narrowest type that holds an interval.
pub(super) fn narrowest(interval: Interval, signed: bool) -> Option<IntType> {
    let signed = signed || interval.minimum < 0;
    (1..=64)
        .map(|width| IntType { signed, width })
        .find(|ty| ty.is_valid() && interval.fits(*ty))
}

fn periodic<T: PartialEq>(entries: &[T], period: usize) -> bool {
    entries.len() <= period || (period..entries.len()).all(|i| entries[i] == entries[i - period])
}

/// The shortest row that repeats along all constants of a rescale.
fn period(factors: &Factors, elements: usize) -> Option<usize> {
    let repeats = |row: &usize| {
        periodic(&factors.multipliers, *row)
            && periodic(&factors.offsets, *row)
            && periodic(&factors.shifts, *row)
    };
    (1..=elements)
        .filter(|row| elements.is_multiple_of(*row))
        .find(repeats)
}

/// One entry where all are equal, else the first row's.
fn compressed<T: PartialEq>(mut entries: Vec<T>, channels: usize) -> Vec<T> {
    entries.truncate(channels);
    if entries.windows(2).all(|pair| pair[0] == pair[1]) {
        entries.truncate(1);
    }
    entries
}

/// The scale of steps that may repeat from row to row.
fn scale(step: &[Dyadic], channels: usize) -> Scale {
    if !periodic(step, channels) {
        // Reports show the first row's; every operation has its own constants.
        return scale(&step[..channels.min(step.len())], channels);
    }
    let step = compressed(step.to_vec(), channels);
    if step.iter().all(|s| s.is_power_of_two()) {
        let fracs: Vec<i32> = step.iter().map(|s| -s.exponent()).collect();
        return match fracs[..] {
            [frac] => Scale::Pow2(frac),
            _ => Scale::Pow2PerChannel(fracs),
        };
    }
    Scale::Lsb(step.iter().map(|s| ExactF64(s.to_f64())).collect())
}

impl Builder {
    /// Gives a value whose type is never reached the narrowest that holds it: it does not saturate.
    pub fn shrink(&mut self, id: ValueId) {
        let hull = self.interval(id);
        let value = &mut self.program.values[id.index()];
        let ty = value.element;
        let inside = hull.minimum > ty.minimum().into() && hull.maximum < ty.maximum().into();
        if let (true, Some(narrow)) = (
            inside || hull.fits(ty) && hull.minimum == 0 && hull.maximum < ty.maximum().into(),
            narrowest(hull, false),
        ) {
            value.element = narrow;
        }
    }

    /// Whether a value is the words of an input.
    pub fn is_input(&self, id: ValueId) -> bool {
        matches!(self.program.value(id).operation, Operation::Input(_))
    }

    /// The same raws with another meaning: as a value of their own, where it differs.
    pub fn restated(
        &mut self,
        name: &str,
        id: ValueId,
        step: &[Dyadic],
    ) -> Result<ValueId, String> {
        let value = self.program.value(id);
        if value.scale == scale(step, value.shape.channels()) {
            return Ok(id);
        }
        let (element, dims) = (value.element, self.dims(id));
        let operation = Operation::Reshape { x: self.base(id) };
        self.push(name, &dims, operation, Some(element), step)
    }

    /// Values from `first` on that have a name, counted or moved.
    pub fn named(&self, name: &str, first: usize) -> Vec<ValueId> {
        let own = identifier(name);
        let is_own = |value: &Value| {
            let rest = value.name.strip_prefix(&own);
            let rest = rest.map(|rest| rest.strip_prefix(".moved").unwrap_or(rest));
            let count = |rest: &str| {
                rest.strip_prefix('.')
                    .is_some_and(|n| n.parse::<u32>().is_ok())
            };
            rest.is_some_and(|rest| rest.is_empty() || count(rest))
        };
        let values = self.program.values.iter().enumerate().skip(first);
        values
            .filter(|(_, value)| is_own(value))
            .map(|(place, _)| ValueId::new(place))
            .collect()
    }

    /// Gives a value another name.
    pub fn rename(&mut self, id: ValueId, name: &str) {
        let name = self.unique(name);
        let value = &mut self.program.values[id.index()];
        self.names.remove(&value.name);
        value.name = name;
    }

    /// Restates what the raws of a value mean, and says whether that is something else.
    pub fn set_scale(&mut self, id: ValueId, step: &[Dyadic]) -> bool {
        let value = &mut self.program.values[id.index()];
        let scale = scale(step, value.shape.channels());
        std::mem::replace(&mut value.scale, scale.clone()) != scale
    }
}

/// Entries of the tables by which elements are gathered.
fn table(elements: &[usize]) -> usize {
    windows(elements).map_or(elements.len(), |windows| windows.entries())
}

/// Shift of a rescale, at most: `numerics.md` has the contract's limits.
const MAX_SHIFT: u8 = 62;

/// Refuses factors that no rescale has, in the terms of who chose the scales.
fn allowed(factors: &Factors) -> Result<(), String> {
    let wide = |m: &&i64| i32::try_from(**m).is_err();
    let far = |s: &&u8| **s > MAX_SHIFT;
    if let Some(multiplier) = factors.multipliers.iter().find(wide) {
        let bits = 64 - multiplier.unsigned_abs().leading_zeros();
        return Err(format!(
            "the ratio of its scales has {bits} significant bits, of 31 at most: choose scales, or the LSB of the input's field, \
             as powers of two or short multiples of them"
        ));
    }
    if factors.shifts.iter().any(|s| far(&s)) {
        return Err(format!(
            "its scales are more than 2^{MAX_SHIFT} apart: choose a scale, or the LSB of the input's field, nearer to the other"
        ));
    }
    Ok(())
}
