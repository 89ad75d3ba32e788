//! From ONNX to the float [`Graph`]. **Nothing outside this module knows ONNX.**
//!
//! A model is imported for one event: a leading extent of a graph input that is dynamic, or a static one that all inputs and
//! outputs share, is the batch and becomes 1; it stays as axis 0, so that axis numbers keep their meaning. All other
//! extents must be known, and with them all shapes: the arithmetic on shapes that exporters write is computed here, in exact
//! integers. What is not supported is refused by name: an operator, an attribute that nobody reads, an element type.
//!
//! An operator is one line in `ops::handler` and one function.

mod compose;
mod context;
mod error;
mod functions;
mod inputs;
mod loops;
mod names;
mod node;
mod ops;
mod order;
pub mod proto;
mod qoperator;
mod renamed;
mod tensor;
mod value;

pub use error::ImportError;
pub use inputs::OpenExtent;

use crate::graph::Graph;
use context::Context;
use node::NodeView;
use prost::Message;
use proto::{GraphProto, ModelProto, OperatorSetIdProto};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// Versions of ONNX's own operator set whose differences are known here.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=26;

/// What a file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Extents of dynamic axes, by the name in the file (`n_particles`) or as `INPUT:AXIS` (`x:1`).
    pub extents: BTreeMap<String, usize>,
}

/// Imports a model file. External data may lie beside it.
///
/// # Errors
/// [`ImportError`] names the file, node, tensor or input and says what to do.
pub fn load(path: &Path) -> Result<Graph, ImportError> {
    load_with(path, &Options::default())
}

/// Imports a model file, with extents that the file leaves open.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, options: &Options) -> Result<Graph, ImportError> {
    let bytes = std::fs::read(path).map_err(|source| ImportError::Io {
        path: path.to_owned(),
        source,
    })?;
    import(&bytes, Some(folder(path)), options, 1)
}

/// Where a model's external data lie: the parent of a bare file name is the empty path, which names no directory.
fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Imports a model from memory; external data are refused.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(bytes: &[u8]) -> Result<Graph, ImportError> {
    from_bytes_with(bytes, &Options::default())
}

/// Imports a model from memory, with extents that the model leaves open.
///
/// # Errors
/// As [`load`].
pub fn from_bytes_with(bytes: &[u8], options: &Options) -> Result<Graph, ImportError> {
    import(bytes, None, options, 1)
}

/// A node whose operator is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The node, or its first result where it has no name.
    pub node: String,
    /// The operator, with its domain unless that is ONNX's own.
    pub operator: String,
}

/// Extents behind the first axis that a model file leaves open; none where it is no model.
pub fn open_extents(path: &Path) -> Vec<OpenExtent> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let model = ModelProto::decode(&bytes[..]).ok();
    let graph = model.and_then(|model| model.graph);
    graph.as_ref().map(inputs::open).unwrap_or_default()
}

/// All nodes of a model file whose operators are not supported, in the file's order; none where it is no model.
pub fn unsupported(path: &Path) -> Vec<Unsupported> {
    let model = std::fs::read(path)
        .ok()
        .and_then(|bytes| ModelProto::decode(&bytes[..]).ok());
    let Some(model) = model else {
        return Vec::new();
    };
    let own = |node: &proto::NodeProto| {
        let mut functions = model.functions.iter();
        functions.any(|f| f.domain == node.domain && f.name == node.op_type)
    };
    let bodies = model.functions.iter().flat_map(|f| &f.node);
    let nodes = model.graph.iter().flat_map(|g| &g.node).chain(bodies);
    let mut all: Vec<&proto::NodeProto> = nodes.collect();
    // The branches of If, and those within them: each is listed once.
    let mut next = 0;
    while let Some(node) = all.get(next).copied() {
        let branches = node.attribute.iter().filter_map(|a| a.g.as_ref());
        all.extend(branches.flat_map(|g| &g.node));
        next += 1;
    }
    let nodes = all.into_iter();
    nodes
        .filter(|node| !own(node) && !ops::is_supported(&node.domain, &node.op_type))
        .map(|node| {
            let view = NodeView::new(node, 0);
            Unsupported {
                operator: view.operator(),
                node: view.name,
            }
        })
        .collect()
}

/// The same model for two events at once, where the file leaves the batch of all its inputs open: what an event gives must
/// not depend on the other one. None where it has no such form: shapes that the file fixes for one event.
pub fn pair_from_bytes(bytes: &[u8], folder: Option<&Path>, options: &Options) -> Option<Graph> {
    import(bytes, folder, options, 2).ok()
}

/// [`pair_from_bytes`] of a file.
pub fn load_pair(path: &Path, options: &Options) -> Option<Graph> {
    let bytes = std::fs::read(path).ok()?;
    pair_from_bytes(&bytes, Some(folder(path)), options)
}

fn import(
    bytes: &[u8],
    folder: Option<&Path>,
    options: &Options,
    batch: usize,
) -> Result<Graph, ImportError> {
    let not_onnx = |detail: &str| ImportError::NotOnnx {
        detail: detail.to_owned(),
    };
    if let Some(what) = other_format(bytes) {
        return Err(not_onnx(what));
    }
    let model = ModelProto::decode(bytes)
        .map_err(|e| not_onnx(&format!("{e}; the file is truncated or of another format")))?;
    let opsets = Opsets::new(&model.opset_import)?;
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| not_onnx("the file holds no graph; is it truncated?"))?;
    names::check(graph)?;
    if graph.output.is_empty() {
        return Err(not_onnx("the graph has no output; is the file truncated?"));
    }
    if let Some(sparse) = graph.sparse_initializer.first() {
        let tensor = sparse
            .values
            .as_ref()
            .map(|v| v.name.clone())
            .unwrap_or_default();
        let detail = "is sparse, which is not supported; export dense weights".to_owned();
        return Err(ImportError::Tensor { tensor, detail });
    }
    let mut context = Context::new(&graph.name, &graph.initializer, folder)?;
    let scope = Scope {
        functions: &model.functions,
        opsets: &opsets,
    };
    let nodes = scope.nodes(&graph.node)?;
    context.quantised = nodes.iter().any(|(node, _)| ops::rounds(&node.op_type));
    inputs::add(&mut context, graph, options, batch)?;
    scope.import(&mut context, &nodes)?;
    add_outputs(&mut context, graph)?;
    Ok(context.builder.finish())
}

/// What gives the nodes of a graph, or of a branch, their meaning.
struct Scope<'m> {
    functions: &'m [proto::FunctionProto],
    opsets: &'m Opsets,
}

impl Scope<'_> {
    /// Nodes with functions and quantised operators written out, each behind those that it reads.
    fn nodes<'n>(
        &self,
        nodes: &'n [proto::NodeProto],
    ) -> Result<Vec<functions::Versioned<'n>>, ImportError> {
        let inlined = functions::inline(self.functions, nodes, self.opsets)?;
        Ok(order::sorted(qoperator::expand(inlined)))
    }

    fn import(
        &self,
        context: &mut Context<'_>,
        nodes: &[functions::Versioned<'_>],
    ) -> Result<(), ImportError> {
        for (proto, opset) in nodes {
            let own = matches!(proto.domain.as_str(), "" | "ai.onnx");
            if own {
                supported(*opset)?;
            }
            let node = NodeView::new(proto, *opset);
            let results = match proto.op_type.as_str() {
                "If" if own => self.branch(context, &node)?,
                "Loop" if own => self.looped(context, &node)?,
                "Scan" if own => self.scanned(context, &node)?,
                _ => ops::import(context, &node)?,
            };
            context.define_outputs(&node, results)?;
        }
        Ok(())
    }

    /// If with a condition that is known: its branch stands in the node's place.
    fn branch(
        &self,
        context: &mut Context<'_>,
        node: &NodeView<'_>,
    ) -> Result<Vec<value::Value>, ImportError> {
        let condition = context.input(node, 0)?;
        let known = loops::known(context, &condition);
        let Some(known) = known else {
            return Err(node.operand_error(
                "branches on a condition that depends on the event: compute both sides and choose with Where",
            ));
        };
        let name = match known != 0.0 {
            true => "then_branch",
            false => "else_branch",
        };
        let branches = node.proto.attribute.iter();
        let body = branches
            .filter(|a| a.name == name)
            .find_map(|a| a.g.as_ref());
        let body = body.ok_or_else(|| node.attribute_error(name, "is missing"))?;
        for tensor in &body.initializer {
            let constant = context.constant(&tensor.name, tensor)?;
            context.define(&tensor.name, constant, &node.name)?;
        }
        let nodes = self.nodes(&body.node)?;
        self.import(context, &nodes)?;
        let mut results = Vec::new();
        for output in &body.output {
            let value = context
                .lookup(&output.name)?
                .ok_or_else(|| node.attribute_error(name, format!("gives no '{}'", output.name)))?;
            results.push(value);
        }
        Ok(results)
    }
}

fn add_outputs(context: &mut Context<'_>, graph: &GraphProto) -> Result<(), ImportError> {
    for info in &graph.output {
        let fail = |detail: String| ImportError::Output {
            output: info.name.clone(),
            detail,
        };
        let value = context
            .lookup(&info.name)?
            .ok_or_else(|| fail("no node gives it; check the file with onnx.checker".to_owned()))?;
        let proto = proto::NodeProto {
            name: info.name.clone(),
            ..Default::default()
        };
        let id = context.id(&NodeView::new(&proto, 0), &value)?;
        // A batch that is written into the model's constants would come back here.
        if let Some(batch) = context.batch
            && context.graph().shape(id).first() != Some(&1)
        {
            return Err(fail(format!(
                "has shape {:?} for one event: the batch of {batch} is written into the model; export it with batch 1 \
                 or a dynamic batch",
                context.graph().shape(id)
            )));
        }
        context
            .builder
            .output(&info.name, id)
            .map_err(|e| fail(e.to_string()))?;
    }
    Ok(())
}

/// Recognises files that are often taken for a model.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 7] = [
        (
            b"PK\x03\x04",
            "the file is a zip archive (a PyTorch checkpoint, a Keras model or an npz?); export it to ONNX first",
        ),
        (
            b"\x89HDF\r\n",
            "the file is HDF5 (a Keras model?); convert it with tf2onnx first",
        ),
        (b"\x93NUMPY", "the file is a numpy array"),
        (
            b"\x80\x02",
            "the file is a Python pickle; export the model to ONNX first",
        ),
        (b"{", "the file is JSON or text"),
        (b"<", "the file is XML or HTML"),
        (
            b"version https://git-lfs",
            "the file is a git-lfs pointer; fetch the file itself with 'git lfs pull'",
        ),
    ];
    if bytes.is_empty() {
        return Some("the file is empty");
    }
    if bytes.get(4..8) == Some(b"TFL3") {
        return Some("the file is a TensorFlow Lite model; convert it to ONNX with tf2onnx first");
    }
    known
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, what)| *what)
}

/// Refuses a version of ONNX's own operators that is not known.
fn supported(version: i64) -> Result<(), ImportError> {
    if OPSETS.contains(&version) {
        return Ok(());
    }
    Err(ImportError::Opset {
        domain: "ai.onnx".to_owned(),
        version,
        hint: format!(
            "export with opset_version between {} and {}",
            OPSETS.start(),
            OPSETS.end()
        ),
    })
}

/// Versions of operator sets, by domain.
struct Opsets(HashMap<String, i64>);

impl Opsets {
    fn new(imports: &[OperatorSetIdProto]) -> Result<Self, ImportError> {
        Self::within(imports, HashMap::new())
    }

    /// Those of a function, which may leave out what the model states.
    fn within(
        imports: &[OperatorSetIdProto],
        outer: HashMap<String, i64>,
    ) -> Result<Self, ImportError> {
        let mut map = outer;
        for import in imports {
            let domain = if import.domain == "ai.onnx" {
                ""
            } else {
                &import.domain
            };
            map.insert(domain.to_owned(), import.version);
        }
        // A model of decision trees alone may leave out ONNX's own operators.
        let own = map.get("").copied();
        if own.is_some() || !map.contains_key("ai.onnx.ml") {
            supported(own.unwrap_or(0))?;
        }
        Ok(Self(map))
    }

    fn version(&self, domain: &str) -> i64 {
        let domain = if domain == "ai.onnx" { "" } else { domain };
        self.0.get(domain).copied().unwrap_or(0)
    }
}
