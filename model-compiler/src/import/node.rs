//! A node as an operator's importer sees it: attributes are read by name and type, and one that nobody reads is an error,
//! because skipping it would change the network's meaning in silence.

use super::{
    ImportError,
    proto::{AttributeProto, NodeProto, TensorProto, attribute_type},
};
use crate::graph::GraphError;
use std::cell::RefCell;

/// One node of the file.
pub(super) struct NodeView<'a> {
    pub proto: &'a NodeProto,
    /// The name for messages: the node's, or its first output's.
    pub name: String,
    /// The version of the operator set that gives the node its meaning.
    pub opset: i64,
    read: RefCell<Vec<bool>>,
}

impl<'a> NodeView<'a> {
    pub fn new(proto: &'a NodeProto, opset: i64) -> Self {
        let output = proto.output.iter().find(|o| !o.is_empty());
        let name = if proto.name.is_empty() {
            output.unwrap_or(&proto.op_type)
        } else {
            &proto.name
        };
        Self {
            proto,
            name: name.clone(),
            opset,
            read: RefCell::new(vec![false; proto.attribute.len()]),
        }
    }

    /// The operator, with its domain unless that is ONNX's own.
    pub fn operator(&self) -> String {
        match self.proto.domain.as_str() {
            "" | "ai.onnx" => self.proto.op_type.clone(),
            domain => format!("{domain}::{}", self.proto.op_type),
        }
    }

    /// An error about operands.
    pub fn operand_error(&self, detail: impl Into<String>) -> ImportError {
        ImportError::Operand {
            node: self.name.clone(),
            operator: self.operator(),
            detail: detail.into(),
        }
    }

    /// An error about an attribute.
    pub fn attribute_error(&self, attribute: &str, detail: impl Into<String>) -> ImportError {
        ImportError::Attribute {
            node: self.name.clone(),
            operator: self.operator(),
            attribute: attribute.to_owned(),
            detail: detail.into(),
        }
    }

    /// An error about shapes.
    pub fn graph_error(&self, source: GraphError) -> ImportError {
        ImportError::Graph {
            node: self.name.clone(),
            operator: self.operator(),
            source,
        }
    }

    fn attribute(
        &self,
        name: &str,
        expected: i32,
    ) -> Result<Option<&'a AttributeProto>, ImportError> {
        let Some(index) = self.proto.attribute.iter().position(|a| a.name == name) else {
            return Ok(None);
        };
        let attribute = &self.proto.attribute[index];
        if let Some(read) = self.read.borrow_mut().get_mut(index) {
            *read = true;
        }
        if attribute.r#type != expected {
            let (found, expected) = (
                attribute_type::name(attribute.r#type),
                attribute_type::name(expected),
            );
            return Err(self.attribute_error(
                name,
                format!("is {found}, not {expected}: the file is corrupt"),
            ));
        }
        Ok(Some(attribute))
    }

    pub fn int(&self, name: &str) -> Result<Option<i64>, ImportError> {
        Ok(self.attribute(name, attribute_type::INT)?.map(|a| a.i))
    }

    pub fn float(&self, name: &str) -> Result<Option<f32>, ImportError> {
        match self.attribute(name, attribute_type::FLOAT)?.map(|a| a.f) {
            Some(v) if !v.is_finite() => Err(self.attribute_error(name, format!("is {v}"))),
            v => Ok(v),
        }
    }

    /// A number that may say that there is none: NaN.
    pub fn number_or_nan(&self, name: &str) -> Result<Option<f32>, ImportError> {
        Ok(self.attribute(name, attribute_type::FLOAT)?.map(|a| a.f))
    }

    pub fn ints(&self, name: &str) -> Result<Option<&'a [i64]>, ImportError> {
        Ok(self
            .attribute(name, attribute_type::INTS)?
            .map(|a| &a.ints[..]))
    }

    pub fn floats(&self, name: &str) -> Result<Option<&'a [f32]>, ImportError> {
        Ok(self
            .attribute(name, attribute_type::FLOATS)?
            .map(|a| &a.floats[..]))
    }

    pub fn strings(&self, name: &str) -> Result<Option<Vec<&'a str>>, ImportError> {
        let Some(a) = self.attribute(name, attribute_type::STRINGS)? else {
            return Ok(None);
        };
        let text = |s: &'a Vec<u8>| std::str::from_utf8(s).ok();
        let all: Option<Vec<&str>> = a.strings.iter().map(text).collect();
        all.map(Some)
            .ok_or_else(|| self.attribute_error(name, "is not UTF-8"))
    }

    pub fn string(&self, name: &str) -> Result<Option<&'a str>, ImportError> {
        let Some(a) = self.attribute(name, attribute_type::STRING)? else {
            return Ok(None);
        };
        std::str::from_utf8(&a.s)
            .map(Some)
            .map_err(|_| self.attribute_error(name, "is not UTF-8"))
    }

    pub fn tensor(&self, name: &str) -> Result<Option<&'a TensorProto>, ImportError> {
        match self.attribute(name, attribute_type::TENSOR)? {
            None => Ok(None),
            Some(a) => match &a.t {
                Some(t) => Ok(Some(t)),
                None => Err(self.attribute_error(name, "is an empty tensor: the file is corrupt")),
            },
        }
    }

    /// A flag: 0 or 1.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool, ImportError> {
        match self.int(name)? {
            None => Ok(default),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(v) => Err(self.attribute_error(name, format!("is {v}, not 0 or 1"))),
        }
    }

    /// Declares that an attribute has no influence on what the node computes here.
    pub fn ignore(&self, name: &str) {
        for (attribute, read) in self
            .proto
            .attribute
            .iter()
            .zip(self.read.borrow_mut().iter_mut())
        {
            *read |= attribute.name == name;
        }
    }

    /// Refuses attributes that nobody read.
    pub fn check_all_read(&self) -> Result<(), ImportError> {
        match self
            .proto
            .attribute
            .iter()
            .zip(self.read.borrow().iter())
            .find(|(_, read)| !**read)
        {
            Some((attribute, _)) => Err(self.attribute_error(
                &attribute.name,
                format!(
                    "is not supported in operator set {}; export without it",
                    self.opset
                ),
            )),
            None => Ok(()),
        }
    }
}
