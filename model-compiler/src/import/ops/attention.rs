//! Attention of operator sets 23 and 24: softmax(scale·Q·K' + mask)·V, head by head.

use super::super::{
    ImportError,
    compose::Compose,
    context::Context,
    node::NodeView,
    value::{Ints, Value},
};
use super::linear;
use crate::graph::{Binary, Kind, Op};

/// What is added to a logit that is masked: e to that power is zero.
const MASKED: f32 = -1e9;

/// Heads as `[batch, heads, rows, width]`; of three axes the last one holds them beside one another.
fn heads(c: &mut Compose<'_, '_, '_>, x: &Value, attribute: &str) -> Result<Value, ImportError> {
    let stated = c.node.int(attribute)?;
    match c.shape(x)[..] {
        [_, _, _, _] => Ok(x.clone()),
        [batch, rows, width] => {
            let count = stated.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            if count == 0 || width % count != 0 {
                let detail = format!("is {count} for {width} columns");
                return Err(c.node.attribute_error(attribute, detail));
            }
            let split = c.reshape(x, vec![batch, rows, count, width / count])?;
            c.transpose(&split, vec![0, 2, 1, 3])
        }
        ref other => Err(c.node.operand_error(format!(
            "takes three or four axes, not a tensor of shape {other:?}"
        ))),
    }
}

pub(super) fn attention(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    for attribute in ["softmax_precision", "qk_matmul_output_mode"] {
        node.ignore(attribute);
    }
    if node.float("softcap")?.is_some_and(|cap| cap != 0.0) {
        return Err(node.attribute_error("softcap", "is not supported; export without it"));
    }
    for (index, what) in [(4, "past keys"), (5, "past values"), (6, "lengths of keys")] {
        if context.optional(node, index)?.is_some() {
            let detail =
                format!("{what} are not supported: an event has no past; export without a cache");
            return Err(node.operand_error(detail));
        }
    }
    let inputs = [
        context.input(node, 0)?,
        context.input(node, 1)?,
        context.input(node, 2)?,
    ];
    let mask = context.optional(node, 3)?;
    let causal = node.flag("is_causal", false)?;
    let mut c = Compose::new(context, node);
    let joined = c.shape(&inputs[0]).len() == 3;
    let q = heads(&mut c, &inputs[0], "q_num_heads")?;
    let mut k = heads(&mut c, &inputs[1], "kv_num_heads")?;
    let mut v = heads(&mut c, &inputs[2], "kv_num_heads")?;
    node.ignore("q_num_heads");
    node.ignore("kv_num_heads");
    let (of_q, of_k) = (c.shape(&q), c.shape(&k));
    let [batch, count, rows, width] = of_q[..] else {
        return Err(node.operand_error("takes queries of four axes"));
    };
    if of_k[1] == 0 || count % of_k[1] != 0 {
        return Err(node.operand_error(format!("{} heads of keys for {count}", of_k[1])));
    }
    // Several heads of queries share one of keys.
    if of_k[1] != count {
        let shared: Vec<usize> = (0..count).map(|head| head * of_k[1] / count).collect();
        k = c.select(&k, 1, shared.clone())?;
        v = c.select(&v, 1, shared)?;
    }
    let keys = of_k[2];
    let scale = match node.float("scale")? {
        Some(scale) => scale,
        None => 1.0 / libm::sqrtf(width as f32),
    };
    let k = c.transpose(&k, vec![0, 1, 3, 2])?;
    let logits = linear::product(c.context, node, [q, k])?;
    let mut logits = c.with(Binary::Mul, &logits, scale)?;
    let masked = c.number(MASKED)?;
    match mask {
        Some(mask) if mask.kind() == Kind::Bool => logits = c.choose(&mask, &logits, &masked)?,
        Some(mask) => logits = c.binary(Binary::Add, &logits, &mask)?,
        None => {}
    }
    if causal {
        let seen = (0..rows * keys).map(|at| i64::from(at % keys <= at / keys));
        let seen = Value::Ints(
            Kind::Bool,
            Ints {
                shape: vec![rows, keys],
                data: seen.collect(),
            },
        );
        logits = c.choose(&seen, &logits, &masked)?;
    }
    let softmax = Op::Softmax { axis: 3 };
    let weights = c.context.apply(node, Kind::Float, softmax, &[logits])?;
    let y = linear::product(c.context, node, [weights, v])?;
    if !joined {
        return Ok(vec![y]);
    }
    let columns = c.shape(&y)[3];
    let y = c.transpose(&y, vec![0, 2, 1, 3])?;
    Ok(vec![c.reshape(&y, vec![batch, rows, count * columns])?])
}
