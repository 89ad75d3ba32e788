//! The form of `cores/NAME.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::core::{Figure, InstructionSet, Issue, Prediction};
use crate::{Class, CoreError};

/// Version of the form.
const SCHEMA: u32 = 1;

/// An embedded table.
pub struct Source {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        /// All tables, in alphabetical order.
        pub const SOURCES: &[Source] = &[$(
            Source { name: $name, text: include_str!(concat!("../cores/", $name, ".toml")) },
        )*];
    };
}

sources!(
    "cortex-m0plus",
    "cortex-m3",
    "cortex-m33",
    "cortex-m4",
    "cortex-m7",
    "ibex",
    "picorv32",
    "vexriscv-full",
    "vexriscv-lite",
);

/// A table, checked.
pub struct Table {
    pub title: String,
    pub instruction_set: InstructionSet,
    pub approximate: Option<String>,
    pub documents: Vec<String>,
    /// By class.
    pub figures: Vec<Option<Figure>>,
    pub address_stall: u64,
    pub prediction: Prediction,
    pub issue: Issue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    schema: u32,
    name: String,
    title: String,
    instruction_set: InstructionSet,
    approximate: Option<String>,
    documents: Vec<String>,
    classes: BTreeMap<Class, ClassFile>,
    address_stall: Option<Sourced>,
    mispredicted: Option<Sourced>,
    dual_issue: Option<DualIssue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ClassFile {
    cycles: u64,
    #[serde(default)]
    per_register: u64,
    #[serde(default)]
    result_after: u64,
    source: String,
}

/// A number of cycles; the source is for readers of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sourced {
    cycles: u64,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DualIssue {
    alone: Vec<Class>,
    one_of: Vec<Vec<Class>>,
    source: String,
}

/// Classes that every core has.
const REQUIRED: [Class; 10] = [
    Class::Alu,
    Class::Multiply,
    Class::Load,
    Class::Store,
    Class::BranchTaken,
    Class::BranchNotTaken,
    Class::Jump,
    Class::Call,
    Class::JumpRegister,
    Class::System,
];

pub fn parse(name: &str, text: &str) -> Result<Table, CoreError> {
    let error = |message: String| CoreError::Table {
        name: name.to_owned(),
        message,
    };
    let file: File = toml::from_str(text).map_err(|wrong| error(wrong.to_string()))?;
    if file.schema != SCHEMA {
        return Err(error(format!("schema {}, not {SCHEMA}", file.schema)));
    }
    if file.name != name {
        return Err(error(format!("it calls itself `{}`", file.name)));
    }
    if let Some(class) = REQUIRED
        .iter()
        .find(|class| !file.classes.contains_key(class))
    {
        return Err(error(format!("class `{class}` is missing")));
    }
    let sourced = |what: &str, source: &str| match source.trim() {
        "" => Err(error(format!("{what} has no source"))),
        _ => Ok(()),
    };
    let mut figures = vec![None; Class::COUNT];
    for (class, figure) in file.classes {
        sourced(class.name(), &figure.source)?;
        if figure.cycles + figure.per_register == 0 {
            return Err(error(format!("class `{class}` costs nothing")));
        }
        figures[class.index()] = Some(Figure {
            cycles: figure.cycles,
            per_register: figure.per_register,
            result_after: figure.result_after,
            source: figure.source,
        });
    }
    for (what, stall) in [
        ("address-stall", &file.address_stall),
        ("mispredicted", &file.mispredicted),
    ] {
        if let Some(stall) = stall {
            sourced(what, &stall.source)?;
        }
    }
    if let Some(dual) = &file.dual_issue {
        sourced("dual-issue", &dual.source)?;
    }
    Ok(Table {
        title: file.title,
        instruction_set: file.instruction_set,
        approximate: file.approximate,
        documents: file.documents,
        figures,
        address_stall: file.address_stall.map_or(0, |stall| stall.cycles),
        prediction: match file.mispredicted {
            Some(stall) => Prediction::BackwardTaken {
                mispredicted: stall.cycles,
            },
            None => Prediction::None,
        },
        issue: match file.dual_issue {
            Some(dual) => Issue {
                width: 2,
                alone: dual.alone,
                one_of: dual.one_of,
            },
            None => Issue {
                width: 1,
                alone: vec![],
                one_of: vec![],
            },
        },
    })
}
