//! onnxruntime's quantised operators (`QuantFormat.QOperator`), written in QuantizeLinear and DequantizeLinear: one file in
//! both formats is one network.

use super::{
    functions::Versioned,
    node::NodeView,
    proto::{AttributeProto, NodeProto},
};
use std::borrow::Cow;

/// The operator set in which quantisers have an axis.
const VERSION: i64 = 13;

/// What an operator computes between its quantisers.
struct Form {
    operator: &'static str,
    /// Places of operands; scale and zero point follow each.
    operands: &'static [usize],
    /// Place of what is read as it is.
    plain: Option<usize>,
    /// Place of a sum of integers, in steps of the product of the first two operands.
    bias: Option<usize>,
    /// Place of the result's scale, with its zero point behind it.
    result: usize,
}

const ONE: Form = Form {
    operator: "",
    operands: &[0],
    plain: None,
    bias: None,
    result: 3,
};

const TWO: Form = Form {
    operands: &[0, 3],
    result: 6,
    ..ONE
};

fn form(domain: &str, operator: &str) -> Option<Form> {
    let one = |operator| Some(Form { operator, ..ONE });
    let two = |operator| Some(Form { operator, ..TWO });
    match (domain, operator) {
        ("" | "ai.onnx" | "com.microsoft", "QLinearMatMul") => two("MatMul"),
        ("" | "ai.onnx" | "com.microsoft", "QLinearConv") => Some(Form {
            operator: "Conv",
            bias: Some(8),
            ..TWO
        }),
        ("com.microsoft", "QGemm") => Some(Form {
            operator: "Gemm",
            bias: Some(6),
            result: 7,
            ..TWO
        }),
        ("com.microsoft", "QLinearAdd") => two("Add"),
        ("com.microsoft", "QLinearMul") => two("Mul"),
        ("com.microsoft", "QLinearWhere") => Some(Form {
            operator: "Where",
            operands: &[1, 4],
            plain: Some(0),
            bias: None,
            result: 7,
        }),
        ("com.microsoft", "QLinearSigmoid") => one("Sigmoid"),
        ("com.microsoft", "QLinearLeakyRelu") => one("LeakyRelu"),
        ("com.microsoft", "QLinearSoftmax") => one("Softmax"),
        ("com.microsoft", "QLinearReduceMean") => one("ReduceMean"),
        ("com.microsoft", "QLinearAveragePool") => one("AveragePool"),
        ("com.microsoft", "QLinearGlobalAveragePool") => one("GlobalAveragePool"),
        _ => None,
    }
}

/// Whether an operator is one of them.
pub(super) fn is_quantised(domain: &str, operator: &str) -> bool {
    form(domain, operator).is_some() || (domain, operator) == ("com.microsoft", "QLinearConcat")
}

/// The nodes with each of these operators written out.
pub(super) fn expand(nodes: Vec<Versioned<'_>>) -> Vec<Versioned<'_>> {
    let mut expanded = Vec::with_capacity(nodes.len());
    for (node, version) in nodes {
        if is_quantised(&node.domain, &node.op_type) {
            let written = written(&node).into_iter();
            expanded.extend(written.map(|node| (Cow::Owned(node), VERSION)));
        } else {
            expanded.push((node, version));
        }
    }
    expanded
}

fn written(node: &NodeProto) -> Vec<NodeProto> {
    let mut writer = Writer::new(node);
    match form(&node.domain, &node.op_type) {
        Some(form) => writer.write(&form),
        None => writer.concatenate(),
    }
    writer.nodes
}

struct Writer<'n> {
    node: &'n NodeProto,
    name: String,
    /// In front of the names of what stands between.
    prefix: String,
    nodes: Vec<NodeProto>,
}

impl<'n> Writer<'n> {
    fn new(node: &'n NodeProto) -> Self {
        let name = NodeView::new(node, VERSION).name;
        let own = node.output.iter().find(|o| !o.is_empty());
        Self {
            prefix: own.cloned().unwrap_or_else(|| name.clone()),
            node,
            name,
            nodes: vec![],
        }
    }

    fn input(&self, place: usize) -> String {
        self.node.input.get(place).cloned().unwrap_or_default()
    }

    fn push(
        &mut self,
        operator: &str,
        input: Vec<String>,
        output: String,
        attribute: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(NodeProto {
            name: self.name.clone(),
            op_type: operator.to_owned(),
            input,
            output: vec![output.clone()],
            attribute,
            ..Default::default()
        });
        output
    }

    /// The numbers of the operand at `place`, whose scales lie along `axis` where they are several.
    fn operand(&mut self, place: usize, axis: i64) -> String {
        let input = (place..place + 3).map(|place| self.input(place)).collect();
        let output = format!("{}/{place}", self.prefix);
        self.push(
            "DequantizeLinear",
            input,
            output,
            vec![integer("axis", axis)],
        )
    }

    /// The result as integers; as it is where its scale is left out.
    fn result(&mut self, x: String, scale: usize) {
        let Some(output) = self.node.output.first().cloned() else {
            return;
        };
        match self.input(scale) {
            none if none.is_empty() => {
                self.push("Identity", vec![x], output, vec![]);
            }
            of_result => {
                let input = vec![x, of_result, self.input(scale + 1)];
                self.push("QuantizeLinear", input, output, vec![integer("axis", 1)]);
            }
        }
    }

    fn write(&mut self, form: &Form) {
        let axis = self.axis();
        let mut input: Vec<String> = form
            .plain
            .map(|place| self.input(place))
            .into_iter()
            .collect();
        for place in form.operands {
            input.push(self.operand(*place, axis));
        }
        if let Some(place) = form.bias
            && !self.input(place).is_empty()
        {
            let steps = vec![self.input(1), self.input(4)];
            let step = format!("{}/step", self.prefix);
            let step = self.push("Mul", steps, step, vec![]);
            let bias = vec![self.input(place), step];
            let output = format!("{}/{place}", self.prefix);
            let of_rows = vec![integer("axis", 0)];
            input.push(self.push("DequantizeLinear", bias, output, of_rows));
        }
        let output = format!("{}/float", self.prefix);
        let attribute = self.node.attribute.iter();
        // What says that channels come first, as ever.
        let usual = |a: &&AttributeProto| a.name == "channels_last" && a.i == 0;
        let attribute = attribute.filter(|a| !usual(a)).cloned().collect();
        let x = self.push(form.operator, input, output, attribute);
        self.result(x, form.result);
    }

    /// The axis of a weight's rows.
    fn axis(&self) -> i64 {
        let transposed = || {
            self.node
                .attribute
                .iter()
                .any(|a| a.name == "transB" && a.i != 0)
        };
        match self.node.op_type.as_str() {
            "QLinearConv" => 0,
            "QGemm" if transposed() => 0,
            _ => -1,
        }
    }

    fn concatenate(&mut self) {
        let places = (2..self.node.input.len()).step_by(3);
        let input = places.map(|place| self.operand(place, 1)).collect();
        let output = format!("{}/float", self.prefix);
        let x = self.push("Concat", input, output, self.node.attribute.clone());
        self.result(x, 0);
    }
}

fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: super::proto::attribute_type::INT,
        i: value,
        ..Default::default()
    }
}
