//! What is compared with a threshold: the score, or a value before the monotone functions that it has passed.

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{
    ConstantId, Encoding, ExactF64, Field, FieldOverflow, Input, InputId, Operation, Output,
    Program, Value, ValueId,
};

use super::{Plan, Step};

/// The most raws over which functions are followed: all those of 16 bits.
const MOST: i64 = 1 << 16;

/// Accept an event iff the first output, a single value, is at least a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is compared.
    pub value: ValueId,
    /// Which of its channels.
    pub channel: usize,
    /// Where it is not the output itself: each raw of the output, in ascending order, with the least raw of what is
    /// compared that has it.
    pub steps: Vec<(i64, i64)>,
    /// Behind steps: more than any raw of what is compared. It has 32 bits.
    pub never: i64,
}

impl Decision {
    /// The decision on the first output of the plans' program; none where that is not a single value.
    ///
    /// It is made on the earliest value that all `plans` compute as such, and of which the output is a function that
    /// ascends: the interpreter tells over every raw that the value can have.
    pub fn of(plans: &[Plan<'_>]) -> Option<Self> {
        let first = plans.first()?;
        let (program, output) = (first.program, first.program.outputs.first()?.value);
        if program.value(output).shape.elements(1) != 1 {
            return None;
        }
        let mut decision = Self {
            value: output,
            channel: 0,
            steps: vec![],
            never: 0,
        };
        let mut chain = vec![];
        let mut at = (output, 0);
        while let Some((x, channel)) = operand(program, at) {
            chain.push(at.0);
            at = (x, channel);
            let interval = first.proof.intervals[x.index()].get(channel);
            let ends = interval.map(|x| (i32::try_from(x.minimum), i32::try_from(x.maximum)));
            let Some((Ok(low), Ok(high))) = ends else {
                break;
            };
            let (low, high) = (i64::from(low), i64::from(high));
            if high - low >= MOST || high == i64::from(i32::MAX) {
                break;
            }
            if !plans.iter().all(|plan| plan.visible()[x.index()]) {
                continue;
            }
            let Some(steps) = steps(program, &chain, at, (low, high)) else {
                break;
            };
            decision = Self {
                value: x,
                channel,
                steps,
                never: high + 1,
            };
        }
        Some(decision)
    }

    /// Whether there is more to compute for all outputs than for the decision.
    pub fn is_shorter(&self, plan: &Plan<'_>) -> bool {
        let (steps, pooled) = plan.steps_for(self.value);
        steps.len() < plan.event.len() || pooled.len() < plan.pooled.len()
    }
}

impl Plan<'_> {
    /// The steps of an event that `id` needs, and the pooled values that they read.
    pub fn steps_for(&self, id: ValueId) -> (Vec<Step>, Vec<super::Pooled>) {
        let mut needed = vec![false; self.program.values.len()];
        needed[id.index()] = true;
        let mut steps: Vec<Step> = vec![];
        for step in self.event.iter().rev() {
            if needed[step.result.index()] {
                for operand in step.kernel.operands() {
                    needed[operand.index()] = true;
                }
                steps.push(step.clone());
            }
        }
        steps.reverse();
        let pooled = self.pooled.iter();
        let pooled = pooled.filter(|pooled| needed[pooled.result.index()]);
        (steps, pooled.copied().collect())
    }
}

/// The channel of another value that alone decides on a channel of a value of one row.
fn operand(program: &Program, (id, channel): (ValueId, usize)) -> Option<(ValueId, usize)> {
    let value = program.value(id);
    let (x, channel) = match &value.operation {
        Operation::Select { x, channels } => (*x, *channels.get(channel)?),
        Operation::Rescale { x, .. }
        | Operation::Table { x, .. }
        | Operation::Interpolate { x, .. }
        | Operation::Exponent { x }
        | Operation::Mantissa { x, .. }
        | Operation::Relu { x }
        | Operation::LeakyRelu { x, .. }
        | Operation::Clip { x, .. }
        | Operation::Divide { x, .. }
        | Operation::SquareRoot { x, .. } => (*x, channel),
        _ => return None,
    };
    let shape = &program.value(x).shape;
    let is_row = shape.set().is_none() && shape.rows(1) == 1;
    is_row.then_some((x, channel))
}

/// What the interpreter makes of every raw of a channel of `x`, by the values of `chain`, the last of them first: each
/// result with the least raw that has it. None where they do not ascend.
fn steps(
    program: &Program,
    chain: &[ValueId],
    (x, channel): (ValueId, usize),
    (low, high): (i64, i64),
) -> Option<Vec<(i64, i64)>> {
    let own = own(program, chain, x);
    let interpreter = Interpreter::new(&own).ok()?;
    let mut event = Event {
        inputs: vec![vec![low; program.value(x).shape.channels()]],
    };
    let mut steps: Vec<(i64, i64)> = vec![];
    for raw in low..=high {
        *event.inputs.first_mut()?.get_mut(channel)? = raw;
        let result = *interpreter.run(&event).ok()?.first()?.first()?;
        match steps.last() {
            Some((last, _)) if result < *last => return None,
            Some((last, _)) if result == *last => {}
            _ => steps.push((result, raw)),
        }
    }
    Some(steps)
}

/// The program of the functions alone, `x` its input.
fn own(program: &Program, chain: &[ValueId], x: ValueId) -> Program {
    let value = program.value(x);
    let (minimum, maximum) = (value.element.minimum(), value.element.maximum());
    let input = Input {
        name: "x".into(),
        set: None,
        channels: value.shape.channels(),
        fields: vec![Field {
            name: "x".into(),
            unit: String::new(),
            lsb: ExactF64(1.0),
            minimum,
            maximum,
            overflow: FieldOverflow::Saturate,
            empty: minimum,
            encoding: Encoding::Nearest,
        }],
    };
    let mut values = vec![Value {
        operation: Operation::Input(InputId::new(0)),
        ..value.clone()
    }];
    let mut constants = vec![];
    for id in chain.iter().rev() {
        let mut value = program.value(*id).clone();
        let before = ValueId::new(values.len() - 1);
        if let Some(operand) = value.operation.operands_mut().into_iter().next() {
            *operand = before;
        }
        if let Operation::Table { table, .. } | Operation::Interpolate { table, .. } =
            &mut value.operation
        {
            constants.push(program.constant(*table).clone());
            *table = ConstantId::new(constants.len() - 1);
        }
        values.push(value);
    }
    let last = ValueId::new(values.len() - 1);
    Program {
        name: program.name.clone(),
        sets: vec![],
        inputs: vec![input],
        constants,
        values,
        outputs: vec![Output {
            name: "y".into(),
            value: last,
        }],
    }
}
