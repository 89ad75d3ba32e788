//! Copies of nodes and graphs under other names: bodies that stand in a node's place.

use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};

/// How names change; graphs within nodes change with them, as what they capture does.
pub(super) struct Renaming<'r> {
    /// The new name of a value that has one.
    pub value: &'r dyn Fn(&str) -> String,
    /// That of a node.
    pub node: &'r dyn Fn(&NodeProto) -> String,
    /// The attributes that a node gets, before their graphs change.
    pub attributes: &'r dyn Fn(&NodeProto) -> Vec<AttributeProto>,
}

impl Renaming<'_> {
    pub fn graph(&self, graph: &GraphProto) -> GraphProto {
        let tensor = |tensor: &TensorProto| TensorProto {
            name: self.name(&tensor.name),
            ..tensor.clone()
        };
        let info = |info: &ValueInfoProto| ValueInfoProto {
            name: self.name(&info.name),
            ..info.clone()
        };
        GraphProto {
            node: graph.node.iter().map(|node| self.of_node(node)).collect(),
            initializer: graph.initializer.iter().map(tensor).collect(),
            input: graph.input.iter().map(info).collect(),
            output: graph.output.iter().map(info).collect(),
            name: graph.name.clone(),
            sparse_initializer: graph.sparse_initializer.clone(),
        }
    }

    pub fn of_node(&self, node: &NodeProto) -> NodeProto {
        let names = |names: &[String]| names.iter().map(|name| self.name(name)).collect();
        let attribute = |attribute: AttributeProto| AttributeProto {
            g: attribute.g.as_ref().map(|graph| self.graph(graph)),
            ..attribute
        };
        let attributes = (self.attributes)(node).into_iter();
        NodeProto {
            name: (self.node)(node),
            input: names(&node.input),
            output: names(&node.output),
            attribute: attributes.map(attribute).collect(),
            ..node.clone()
        }
    }

    /// What is left out has no name.
    fn name(&self, name: &str) -> String {
        match name.is_empty() {
            true => String::new(),
            false => (self.value)(name),
        }
    }
}
