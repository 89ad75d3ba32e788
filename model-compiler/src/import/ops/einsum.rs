//! Einsum, as products of matrices between transposes and reshapes.

use super::super::{ImportError, context::Context, node::NodeView, value::Value};
use crate::graph::{Kind, Op, Reduction};

/// Axis labels of one operand or of the result.
type Labels = Vec<char>;

struct Equation {
    inputs: Vec<Labels>,
    output: Labels,
}

/// Labels that stand for the axes of an ellipsis, which no equation can contain.
fn ellipsis_label(index: usize) -> char {
    char::from_u32(0xE000 + (index % 0x1000) as u32).unwrap_or('\u{E000}')
}

impl Equation {
    fn parse(text: &str, ranks: &[usize]) -> Result<Self, String> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (text.as_str(), None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != ranks.len() {
            return Err(format!(
                "names {} operands, the node has {}",
                terms.len(),
                ranks.len()
            ));
        }
        let mut widest = 0;
        let mut inputs = Vec::new();
        for (term, &rank) in terms.iter().zip(ranks) {
            let named = term.replacen("...", "", 1).chars().count();
            let hidden = if term.contains("...") {
                rank.checked_sub(named).ok_or("has too many labels")?
            } else {
                0
            };
            widest = widest.max(hidden);
            let labels = labels(term, hidden)?;
            if labels.len() != rank {
                return Err(format!(
                    "gives {} labels to an operand of {rank} axes",
                    labels.len()
                ));
            }
            if labels
                .iter()
                .enumerate()
                .any(|(i, l)| labels[..i].contains(l))
            {
                return Err("takes a diagonal, which is not supported".to_owned());
            }
            inputs.push(labels);
        }
        let output = match right {
            Some(right) => labels(right, widest)?,
            None => {
                // Implicit form: the ellipsis, then every label that occurs once, in alphabetical order.
                let all: Vec<char> = inputs.iter().flatten().copied().collect();
                let mut once: Vec<char> = all
                    .iter()
                    .copied()
                    .filter(|l| l.is_ascii() && all.iter().filter(|m| *m == l).count() == 1)
                    .collect();
                once.sort_unstable();
                (0..widest).rev().map(ellipsis_label).chain(once).collect()
            }
        };
        let unknown = output
            .iter()
            .any(|l| !inputs.iter().flatten().any(|m| m == l));
        if unknown
            || output
                .iter()
                .enumerate()
                .any(|(i, l)| output[..i].contains(l))
        {
            return Err("has a result label that is not in an operand, or twice".to_owned());
        }
        Ok(Self { inputs, output })
    }
}

/// The labels of a term; its ellipsis stands for `hidden` axes, aligned at the last one.
fn labels(term: &str, hidden: usize) -> Result<Labels, String> {
    let mut out = Vec::new();
    let parts: Vec<&str> = term.splitn(2, "...").collect();
    for (i, part) in parts.iter().enumerate() {
        if i == 1 {
            out.extend((0..hidden).rev().map(ellipsis_label));
        }
        if !part.chars().all(|c| c.is_ascii_alphabetic()) {
            return Err(format!("has '{part}', which is no list of labels"));
        }
        out.extend(part.chars());
    }
    Ok(out)
}

pub(super) fn einsum(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let text = node
        .string("equation")?
        .ok_or_else(|| node.attribute_error("equation", "is missing"))?;
    let fail = |detail: String| node.attribute_error("equation", format!("'{text}' {detail}"));
    let mut operands = context.inputs(node)?;
    let ranks: Vec<usize> = operands.iter().map(|v| context.shape(v).len()).collect();
    let mut equation = Equation::parse(text, &ranks).map_err(fail)?;
    // Labels that only one operand has and the result has not are summed away first.
    for (i, operand) in operands.iter_mut().enumerate() {
        let own = equation.inputs[i].clone();
        let elsewhere = |l: &char| {
            equation.output.contains(l)
                || equation
                    .inputs
                    .iter()
                    .enumerate()
                    .any(|(j, t)| j != i && t.contains(l))
        };
        let axes: Vec<usize> = own
            .iter()
            .enumerate()
            .filter(|(_, l)| !elsewhere(l))
            .map(|(a, _)| a)
            .collect();
        if !axes.is_empty() {
            let op = Op::Reduce {
                op: Reduction::Sum,
                axes: axes.clone(),
                keepdims: false,
            };
            *operand = context.apply(node, Kind::Float, op, std::slice::from_ref(operand))?;
            equation.inputs[i] = own
                .into_iter()
                .enumerate()
                .filter(|(a, _)| !axes.contains(a))
                .map(|(_, l)| l)
                .collect();
        }
    }
    let result = match &operands[..] {
        [x] => arrange(
            context,
            node,
            x.clone(),
            &equation.inputs[0],
            &equation.output,
        )?,
        [_, _] => {
            // A constant goes to the right, where it can become a layer's weights.
            let constant = |v: &Value| context.float_constant(v).is_some();
            let swap = constant(&operands[0]) && !constant(&operands[1]);
            let (left, right) = if swap { (1, 0) } else { (0, 1) };
            let (a, b) = (operands[left].clone(), operands[right].clone());
            product(
                context,
                node,
                (a, &equation.inputs[left]),
                (b, &equation.inputs[right]),
                &equation.output,
            )?
        }
        _ => several(context, node, operands, equation)?,
    };
    Ok(vec![result])
}

/// Three operands or more: the first two become one with the labels that others or the result still ask for, and so on.
fn several(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    operands: Vec<Value>,
    equation: Equation,
) -> Result<Value, ImportError> {
    let mut terms: Vec<(Value, Labels)> = operands.into_iter().zip(equation.inputs).collect();
    while terms.len() > 1 {
        let (b, from_b) = terms.remove(1);
        let (a, from_a) = terms.remove(0);
        let later = terms.iter().flat_map(|(_, labels)| labels);
        let wanted: Vec<char> = later.chain(&equation.output).copied().collect();
        let kept: Labels = match terms.is_empty() {
            true => equation.output.clone(),
            false => {
                let mut kept: Labels = Vec::new();
                for label in from_a.iter().chain(&from_b) {
                    if wanted.contains(label) && !kept.contains(label) {
                        kept.push(*label);
                    }
                }
                kept
            }
        };
        let value = product(context, node, (a, &from_a), (b, &from_b), &kept)?;
        terms.insert(0, (value, kept));
    }
    let (value, _) = terms.remove(0);
    Ok(value)
}

/// Permutes axes from one order of labels into another.
fn arrange(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    from: &[char],
    to: &[char],
) -> Result<Value, ImportError> {
    if from == to {
        return Ok(x);
    }
    let perm: Vec<usize> = to
        .iter()
        .filter_map(|l| from.iter().position(|m| m == l))
        .collect();
    context.rearrange(node, Op::Transpose { perm }, &[x])
}

/// Merges axes into the given groups.
fn group(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: Value,
    shape: Vec<usize>,
) -> Result<Value, ImportError> {
    if context.shape(&x) == shape {
        return Ok(x);
    }
    context.rearrange(node, Op::Reshape { shape }, &[x])
}

fn product(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    (a, from_a): (Value, &[char]),
    (b, from_b): (Value, &[char]),
    output: &[char],
) -> Result<Value, ImportError> {
    let (shape_a, shape_b) = (context.shape(&a), context.shape(&b));
    let extent = |l: char| {
        let of = |labels: &[char], shape: &[usize]| {
            labels.iter().position(|&m| m == l).map(|i| shape[i])
        };
        of(from_a, &shape_a)
            .into_iter()
            .chain(of(from_b, &shape_b))
            .max()
            .unwrap_or(1)
    };
    // Extent 1 against another extent would broadcast; matrices do not.
    for (l, &d) in from_a
        .iter()
        .zip(&shape_a)
        .chain(from_b.iter().zip(&shape_b))
    {
        if d != extent(*l) && from_a.contains(l) && from_b.contains(l) {
            return Err(node.operand_error(format!("the operands differ along '{l}'")));
        }
    }
    let shared = |l: &&char| from_a.contains(l) && from_b.contains(l);
    let batch: Labels = output.iter().filter(shared).copied().collect();
    let rows: Labels = output
        .iter()
        .filter(|l| from_a.contains(l) && !from_b.contains(l))
        .copied()
        .collect();
    let columns: Labels = output
        .iter()
        .filter(|l| !from_a.contains(l) && from_b.contains(l))
        .copied()
        .collect();
    let inner: Labels = from_a
        .iter()
        .filter(|l| from_b.contains(l) && !output.contains(l))
        .copied()
        .collect();
    let extents = |labels: &[char]| labels.iter().map(|&l| extent(l)).collect::<Vec<usize>>();
    let merged = |labels: &[char]| extents(labels).iter().product::<usize>();

    let left: Labels = [&batch[..], &rows, &inner].concat();
    let right: Labels = [&batch[..], &inner, &columns].concat();
    let a = arrange(context, node, a, from_a, &left)?;
    let b = arrange(context, node, b, from_b, &right)?;
    // Against a plain matrix the rows keep their axes; two operands need them merged.
    let plain = batch.is_empty() && !rows.is_empty();
    let shape = if plain {
        [extents(&rows), vec![merged(&inner)]].concat()
    } else {
        [extents(&batch), vec![merged(&rows), merged(&inner)]].concat()
    };
    let a = group(context, node, a, shape)?;
    let b = group(
        context,
        node,
        b,
        [extents(&batch), vec![merged(&inner), merged(&columns)]].concat(),
    )?;
    let y = context.apply(node, Kind::Float, Op::MatMul, &[a, b])?;
    let natural: Labels = [&batch[..], &rows, &columns].concat();
    let y = group(context, node, y, extents(&natural))?;
    arrange(context, node, y, &natural, output)
}
