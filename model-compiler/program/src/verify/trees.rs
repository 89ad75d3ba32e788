//! Ensembles of trees: every path ends in a leaf after the steps of its tree.

use super::Interval;
use super::work::Work;
use crate::{Program, TreeAggregate, Trees};

/// Steps that a tree may have.
const MAX_STEPS: i64 = 255;

/// Steps of the proof for a node that a walk reaches: it is looked up, and sorted among the others.
const PER_NODE: u64 = 32;

/// Shapes of the constants, for a row of `features` and a result of `targets` channels.
pub(super) fn shapes(
    program: &Program,
    trees: &Trees,
    features: usize,
    targets: usize,
) -> Result<(), String> {
    let shape = |id| &program.constant(id).shape[..];
    let ([nodes, 4], [count, 2], [leaves, of_leaf]) =
        (shape(trees.nodes), shape(trees.roots), shape(trees.leaves))
    else {
        return Err(
            "nodes are not [nodes, 4], roots [trees, 2] and leaves [leaves, targets]".into(),
        );
    };
    if *of_leaf != targets {
        return Err(format!("leaves of {of_leaf} values for {targets} channels"));
    }
    if *count == 0 || *leaves == 0 {
        return Err("there is no tree, or no leaf".into());
    }
    let wide = [program.constant(trees.nodes), program.constant(trees.roots)];
    if wide.iter().any(|c| c.element.storage().width > 32) {
        return Err("nodes and roots of more than 32 bits are not allowed".into());
    }
    let end = trees.first.saturating_add(*nodes);
    if trees.first > *leaves || *leaves > end || end > i32::MAX as usize {
        return Err(format!(
            "nodes {}..{end} do not continue {leaves} leaves",
            trees.first
        ));
    }
    for node in program.constant(trees.nodes).data.chunks(4) {
        if usize::try_from(node[0]).map_or(true, |feature| feature >= features) {
            return Err(format!("a node reads feature {} of {features}", node[0]));
        }
    }
    Ok(())
}

/// Calls `each` with the leaves that a tree can reach for features within `x`, tree by tree.
fn reached(
    program: &Program,
    trees: &Trees,
    x: &[Interval],
    work: &mut Work,
    mut each: impl FnMut(&[usize]),
) -> Result<(), String> {
    let nodes = &program.constant(trees.nodes).data;
    let leaves = program.constant(trees.leaves).shape[0];
    let targets = program.constant(trees.leaves).shape[1];
    for tree in program.constant(trees.roots).data.chunks(2) {
        let [root, steps] = [tree[0], tree[1]];
        if !(0..=MAX_STEPS).contains(&steps) {
            return Err(format!(
                "a tree of {steps} steps: 0 to {MAX_STEPS} are allowed"
            ));
        }
        let mut front = vec![root];
        // Leaves before the last step: nodes that lead to themselves.
        let mut early = Vec::new();
        for _ in 0..steps {
            work.steps(PER_NODE * front.len() as u64)?;
            let mut next = Vec::with_capacity(2 * front.len());
            for at in front {
                let row = usize::try_from(at)
                    .ok()
                    .and_then(|at| at.checked_sub(trees.first));
                let node = row.and_then(|row| nodes.get(4 * row..)?.get(..4));
                let Some(&[feature, threshold, yes, no]) = node else {
                    return Err(format!(
                        "a path leads to {at}, which is no node, before its end"
                    ));
                };
                if (yes, no) == (at, at) {
                    early.push(at);
                    continue;
                }
                let x = x[feature as usize];
                if x.minimum <= threshold.into() {
                    next.push(yes);
                }
                if x.maximum > threshold.into() {
                    next.push(no);
                }
            }
            next.sort_unstable();
            next.dedup();
            front = next;
        }
        front.append(&mut early);
        front.sort_unstable();
        front.dedup();
        let leaf = |at: &i64| usize::try_from(*at).ok().filter(|at| *at < leaves);
        let ends: Option<Vec<usize>> = front.iter().map(leaf).collect();
        let ends = ends.ok_or("a path ends in a node that is no leaf")?;
        work.steps(2 * (ends.len() * targets) as u64)?;
        each(&ends);
    }
    Ok(())
}

/// What each target can be.
pub(super) fn intervals(
    program: &Program,
    trees: &Trees,
    x: &[Interval],
    work: &mut Work,
) -> Result<Vec<Interval>, String> {
    if x.iter().any(|x| x.signed_bits() > 32) {
        return Err("features of more than 32 bits are not compared".into());
    }
    let leaves = program.constant(trees.leaves);
    let targets = leaves.shape[1];
    let combined = |a: Interval, b: Interval| match trees.aggregate {
        TreeAggregate::Sum => a.plus(b),
        TreeAggregate::Min => Interval {
            minimum: a.minimum.min(b.minimum),
            maximum: a.maximum.min(b.maximum),
        },
        TreeAggregate::Max => Interval {
            minimum: a.minimum.max(b.minimum),
            maximum: a.maximum.max(b.maximum),
        },
    };
    let mut result: Vec<Option<Interval>> = vec![None; targets];
    reached(program, trees, x, work, |ends| {
        for (target, known) in result.iter_mut().enumerate() {
            let raws = ends.iter().map(|leaf| leaves.data[leaf * targets + target]);
            let points = raws.map(|raw| Interval::point(raw.into()));
            let of_tree = points.reduce(Interval::hull).unwrap_or(Interval::point(0));
            *known = Some(known.map_or(of_tree, |known| combined(known, of_tree)));
        }
    })?;
    let known = |i: Option<Interval>| i.unwrap_or(Interval::point(0));
    Ok(result.into_iter().map(known).collect())
}

/// A bound on the sums of some of the trees.
pub(super) fn partial_sums(program: &Program, trees: &Trees, x: &[Interval]) -> i128 {
    if trees.aggregate != TreeAggregate::Sum {
        return 0;
    }
    let leaves = program.constant(trees.leaves);
    let targets = leaves.shape[1];
    let mut sum = 0i128;
    // What is refused was refused before, and so was what takes too long.
    let _ = reached(program, trees, x, &mut Work::default(), |ends| {
        let rows = ends
            .iter()
            .map(|leaf| &leaves.data[leaf * targets..][..targets]);
        let raws = rows.flatten().map(|raw| i128::from(*raw).abs());
        sum = sum.saturating_add(raws.max().unwrap_or(0));
    });
    sum
}
