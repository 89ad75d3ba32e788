//! The words of the inputs: as they are stated, or those of the quantiser that reads them first.

use hodoscope_program::{Encoding, ExactF64, Field, FieldOverflow, Input, WordRounding};

use super::lower::quantise;
use crate::graph::{FixedPoint, FixedType, Graph, GraphInput, Kind, Op, Quantiser, RoundingMode};
use crate::inputs::InputsSpec;

/// The words of `input`.
pub(super) fn input(graph: &Graph, input: &GraphInput, spec: &InputsSpec) -> Result<Input, String> {
    let channels = graph.elements(input.value);
    let stated = spec
        .get(&input.name)
        .map(|s| s.fields())
        .unwrap_or_default();
    let fields = match stated.is_empty() {
        false => stated,
        true => first_reader(graph, input)?,
    };
    if !channels.is_multiple_of(fields.len()) {
        return Err(format!(
            "{} fields do not repeat along its {channels} values",
            fields.len()
        ));
    }
    Ok(Input {
        name: input.name.clone(),
        set: None,
        channels,
        fields,
    })
}

/// The fields of an input whose first readers are quantisers of one kind, or tables.
fn first_reader(graph: &Graph, input: &GraphInput) -> Result<Vec<Field>, String> {
    let unknown = || {
        format!(
            "its words are not stated, and it is not read by one quantiser: give --input '{}=fixed<WIDTH,INTEGER>' or an \
             inputs.toml",
            input.name
        )
    };
    let consumers = graph.consumers();
    // With whether the elements are all there, in their order.
    let mut reached = vec![(input.value, true)];
    let mut found: Option<Vec<Field>> = None;
    while let Some((value, whole)) = reached.pop() {
        if graph.outputs().iter().any(|o| o.value == value) {
            return Err(unknown());
        }
        for id in &consumers[value.index()] {
            let node = graph.node(*id);
            let fields = match &node.op {
                Op::Reshape { .. } => {
                    reached.push((node.output, whole));
                    continue;
                }
                Op::Transpose { .. }
                | Op::Slice { .. }
                | Op::Select { .. }
                | Op::Broadcast { .. } => {
                    reached.push((node.output, false));
                    continue;
                }
                Op::Quantise(quantiser) if input.kind == Kind::Float => {
                    vec![of_quantiser(quantiser).ok_or_else(unknown)?]
                }
                Op::FixedPoint(quantiser) if input.kind == Kind::Float => {
                    let fields = of_types(quantiser).ok_or_else(unknown)?;
                    if fields.len() > 1 && !whole {
                        return Err(unknown());
                    }
                    fields
                }
                Op::Gather { axis: 0 } if node.inputs[1] == value => {
                    vec![index(graph.shape(node.inputs[0])[0])]
                }
                _ => return Err(unknown()),
            };
            match &found {
                Some(known) if *known != fields => return Err(unknown()),
                _ => found = Some(fields),
            }
        }
    }
    found.ok_or_else(unknown)
}

/// The integers of a quantiser of one scale, its zero point in them: eight bits stay eight bits.
fn of_quantiser(q: &Quantiser) -> Option<Field> {
    let (scale, zero) = (q.scale.single()?, q.zero_point.single()?);
    let (minimum, maximum) = q.range?;
    let zero_point = zero as i64;
    Some(Field {
        name: "value".into(),
        unit: String::new(),
        lsb: ExactF64(scale.into()),
        minimum,
        maximum,
        overflow: FieldOverflow::Saturate,
        empty: zero_point.clamp(minimum, maximum),
        encoding: Encoding::Quantiser {
            rounding: rounding(q.rounding),
            zero_point,
            zero_first: q.zero_first && zero_point != 0,
        },
    })
}

/// How a quantiser of words rounds: in every way that a graph knows.
fn rounding(mode: RoundingMode) -> WordRounding {
    match (quantise::rounding(mode), mode) {
        (Some(rounding), _) => rounding.into(),
        (None, RoundingMode::Up) => WordRounding::Up,
        (None, _) => WordRounding::Ceil,
    }
}

/// The numbers of fixed-point types, a field for each element, or for each of a row that repeats.
fn of_types(q: &FixedPoint) -> Option<Vec<Field>> {
    let elements = q.types.len();
    let repeats = |row: &usize| {
        elements.is_multiple_of(*row) && (*row..elements).all(|e| q.types[e] == q.types[e - row])
    };
    let row = (1..=elements).find(repeats)?;
    let field = |(e, ty): (usize, &FixedType)| {
        Some(Field {
            name: match row {
                1 => "value".into(),
                _ => format!("value{e}"),
            },
            unit: String::new(),
            lsb: ExactF64(ty.lsb().into()),
            minimum: ty.minimum,
            maximum: ty.maximum,
            overflow: match q.wraps {
                true => FieldOverflow::Wrap,
                false => FieldOverflow::Saturate,
            },
            empty: 0i64.clamp(ty.minimum, ty.maximum),
            encoding: Encoding::Quantiser {
                rounding: rounding(q.rounding),
                zero_point: 0,
                zero_first: false,
            },
        })
    };
    q.types[..row].iter().enumerate().map(field).collect()
}

/// The index of a table's row.
fn index(rows: usize) -> Field {
    Field {
        name: "index".into(),
        unit: String::new(),
        lsb: ExactF64(1.0),
        minimum: 0,
        maximum: rows as i64 - 1,
        overflow: FieldOverflow::Saturate,
        empty: 0,
        encoding: Encoding::Nearest,
    }
}
