//! The form of `cores/NAME.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::figure::{Cache, Figure, InstructionSet, Issue, Prediction};
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
    pub misaligned_target: u64,
    pub instruction_cache: Option<Cache>,
    pub data_cache: Option<Cache>,
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
    misaligned_target: Option<Sourced>,
    instruction_cache: Option<CacheFile>,
    data_cache: Option<CacheFile>,
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
    per_bit: u64,
    #[serde(default)]
    result_after: u64,
    at_most: Option<u64>,
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
struct CacheFile {
    bytes: u64,
    line_bytes: u64,
    miss: u64,
    at_most: u64,
    source: String,
}

impl CacheFile {
    fn checked(self, what: &str) -> Result<Cache, String> {
        let lines = self.bytes.checked_div(self.line_bytes).unwrap_or(0);
        if lines == 0 || lines * self.line_bytes != self.bytes {
            return Err(format!("{what}: {} bytes are no lines", self.bytes));
        }
        if self.at_most < self.miss {
            return Err(format!("{what}: at-most is less than miss"));
        }
        if self.source.trim().is_empty() {
            return Err(format!("{what} has no source"));
        }
        Ok(Cache {
            bytes: self.bytes,
            line_bytes: self.line_bytes,
            miss: self.miss,
            at_most: self.at_most,
        })
    }
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
        let at_most = figure.at_most.unwrap_or(figure.cycles);
        if at_most < figure.cycles {
            return Err(error(format!(
                "class `{class}`: at-most is less than cycles"
            )));
        }
        figures[class.index()] = Some(Figure {
            at_most,
            cycles: figure.cycles,
            per_register: figure.per_register,
            per_bit: figure.per_bit,
            result_after: figure.result_after,
            source: figure.source,
        });
    }
    for (what, stall) in [
        ("address-stall", &file.address_stall),
        ("misaligned-target", &file.misaligned_target),
        ("mispredicted", &file.mispredicted),
    ] {
        if let Some(stall) = stall {
            sourced(what, &stall.source)?;
        }
    }
    if let Some(dual) = &file.dual_issue {
        sourced("dual-issue", &dual.source)?;
    }
    let cache = |what, file: Option<CacheFile>| {
        let checked = file.map(|file| file.checked(what));
        checked.transpose().map_err(error)
    };
    Ok(Table {
        instruction_cache: cache("instruction-cache", file.instruction_cache)?,
        data_cache: cache("data-cache", file.data_cache)?,
        misaligned_target: file.misaligned_target.map_or(0, |stall| stall.cycles),
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
