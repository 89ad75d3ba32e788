//! The order of the nodes. ONNX asks that a node stand behind those whose results it reads; runtimes take any order, and tools
//! that add nodes to a finished graph, as onnxruntime's conversion to half precision, put them at its end.

use super::{functions::Versioned, proto::NodeProto};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// The nodes, each behind those whose results it reads; the file's order wherever that leaves a choice. What is part of a
/// cycle, or reads one, comes last.
pub(super) fn sorted(nodes: Vec<Versioned<'_>>) -> Vec<Versioned<'_>> {
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (index, (node, _)) in nodes.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            // The second producer of a name is refused by name later.
            producers.entry(name).or_insert(index);
        }
    }
    let read = |index: usize| {
        let names = read_by(&nodes[index].0).into_iter();
        names.filter_map(|name| producers.get(name).copied())
    };
    if (0..nodes.len()).all(|index| read(index).all(|producer| producer < index)) {
        return nodes;
    }
    let mut readers: Vec<Vec<usize>> = vec![vec![]; nodes.len()];
    let mut missing = vec![0usize; nodes.len()];
    for (index, missing) in missing.iter_mut().enumerate() {
        for producer in read(index) {
            readers[producer].push(index);
            *missing += 1;
        }
    }
    let ready = (0..nodes.len()).filter(|index| missing[*index] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for reader in &readers[index] {
            missing[*reader] -= 1;
            if missing[*reader] == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    order.extend((0..nodes.len()).filter(|index| missing[*index] > 0));
    let mut nodes: Vec<Option<Versioned<'_>>> = nodes.into_iter().map(Some).collect();
    order.iter().filter_map(|at| nodes[*at].take()).collect()
}

/// Names that a node reads, those of its branches included.
fn read_by(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    let branches = node.attribute.iter().filter_map(|a| a.g.as_ref());
    for branch in branches {
        names.extend(branch.node.iter().flat_map(read_by));
        names.extend(branch.output.iter().map(|o| o.name.as_str()));
    }
    names
}
