//! Functions that a model brings along: their bodies take the place of the calls.

use super::{
    ImportError, Opsets,
    node::NodeView,
    proto::{AttributeProto, FunctionProto, NodeProto},
    renamed::Renaming,
};
use std::{borrow::Cow, collections::HashMap};

/// Nodes that a model may have once its functions are written out: calls within calls must not grow without bound.
const MAX_NODES: usize = 1 << 16;
/// Calls within calls. A function must not call itself, so a model's own depth is far smaller.
const MAX_DEPTH: usize = 32;

/// A node, and the version of the operator set that gives it its meaning.
pub(super) type Versioned<'a> = (Cow<'a, NodeProto>, i64);

/// The nodes with every call of one of `functions` replaced by its body.
pub(super) fn inline<'a>(
    functions: &[FunctionProto],
    nodes: &'a [NodeProto],
    opsets: &Opsets,
) -> Result<Vec<Versioned<'a>>, ImportError> {
    let key = |f: &FunctionProto| (f.domain.clone(), f.name.clone(), f.overload.clone());
    let mut inliner = Inliner {
        functions: functions.iter().map(|f| (key(f), f)).collect(),
        nodes: Vec::new(),
    };
    for node in nodes {
        let version = opsets.version(&node.domain);
        match inliner.function(node) {
            None => inliner.push(Cow::Borrowed(node), version)?,
            Some(function) => inliner.call(node, function, opsets, 1)?,
        }
    }
    Ok(inliner.nodes)
}

struct Inliner<'f, 'a> {
    functions: HashMap<(String, String, String), &'f FunctionProto>,
    nodes: Vec<Versioned<'a>>,
}

impl<'f, 'a> Inliner<'f, 'a> {
    /// The function that a node calls. ONNX's own operators keep their meaning.
    fn function(&self, node: &NodeProto) -> Option<&'f FunctionProto> {
        if matches!(node.domain.as_str(), "" | "ai.onnx") {
            return None;
        }
        let key = (
            node.domain.clone(),
            node.op_type.clone(),
            node.overload.clone(),
        );
        self.functions.get(&key).copied()
    }

    fn push(&mut self, node: Cow<'a, NodeProto>, version: i64) -> Result<(), ImportError> {
        if self.nodes.len() >= MAX_NODES {
            return Err(NodeView::new(&node, version).operand_error(format!(
                "the model has more than {MAX_NODES} nodes once its functions are written out"
            )));
        }
        self.nodes.push((node, version));
        Ok(())
    }

    fn call(
        &mut self,
        node: &NodeProto,
        function: &FunctionProto,
        outer: &Opsets,
        depth: usize,
    ) -> Result<(), ImportError> {
        let view = NodeView::new(node, 0);
        if depth > MAX_DEPTH {
            return Err(view.operand_error("is called by itself, or through too many functions"));
        }
        let opsets = Opsets::within(&function.opset_import, outer.0.clone())?;
        let mut names: HashMap<&str, String> = HashMap::new();
        for (i, formal) in function.input.iter().enumerate() {
            names.insert(formal, node.input.get(i).cloned().unwrap_or_default());
        }
        if node.input.len() > function.input.len() || node.output.len() > function.output.len() {
            return Err(view.operand_error("has more inputs or outputs than its function"));
        }
        let mut results = HashMap::new();
        for (formal, actual) in function.output.iter().zip(&node.output) {
            results.insert(formal.as_str(), actual.clone());
        }
        // An input that is a result at once is copied.
        for (formal, actual) in &results {
            if let Some(source) = names.get(formal)
                && !actual.is_empty()
            {
                let copy = NodeProto {
                    name: format!("{}/{formal}", view.name),
                    op_type: "Identity".to_owned(),
                    input: vec![source.clone()],
                    output: vec![actual.clone()],
                    ..Default::default()
                };
                self.push(Cow::Owned(copy), opsets.version(""))?;
            }
        }
        // Results are unique, names of nodes need not be.
        let own = node.output.iter().find(|o| !o.is_empty());
        let prefix = own.map_or(view.name.as_str(), String::as_str);
        // Graphs within nodes capture what the function has, and nothing of its caller.
        let within = |name: &str| match names.get(name) {
            Some(actual) => actual.clone(),
            None => match results.get(name).filter(|r| !r.is_empty()) {
                Some(actual) => actual.clone(),
                None => format!("{prefix}/{name}"),
            },
        };
        let renaming = Renaming {
            value: &within,
            node: &|inner| format!("{}/{}", view.name, NodeView::new(inner, 0).name),
            attributes: &|inner| attributes(inner, node, function),
        };
        for inner in &function.node {
            let rename_output = |name: &String| match results.get(name.as_str()) {
                _ if name.is_empty() => String::new(),
                Some(actual) if !actual.is_empty() => actual.clone(),
                _ => format!("{prefix}/{name}"),
            };
            let copy = NodeProto {
                output: inner.output.iter().map(rename_output).collect(),
                ..renaming.of_node(inner)
            };
            match self.function(&copy) {
                None => {
                    let version = opsets.version(&copy.domain);
                    self.push(Cow::Owned(copy), version)?;
                }
                Some(function) => self.call(&copy, function, &opsets, depth + 1)?,
            }
        }
        Ok(())
    }
}

/// The attributes of a node of the body: those that refer to the function's get the call's value, or the default; without
/// either they are absent.
fn attributes(
    inner: &NodeProto,
    call: &NodeProto,
    function: &FunctionProto,
) -> Vec<AttributeProto> {
    let value = |name: &str| {
        let mut all = call.attribute.iter().chain(&function.attribute_proto);
        all.find(|a| a.name == name)
    };
    let resolve = |attribute: &AttributeProto| {
        if attribute.ref_attr_name.is_empty() {
            return Some(attribute.clone());
        }
        value(&attribute.ref_attr_name).map(|found| AttributeProto {
            name: attribute.name.clone(),
            ..found.clone()
        })
    };
    inner.attribute.iter().filter_map(resolve).collect()
}
