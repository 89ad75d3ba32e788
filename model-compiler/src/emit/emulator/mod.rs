//! An emitted crate as a library for C, C++ and whatever loads one: the sources of its package.
//!
//! Each file of this folder writes one kind of text. Functions and their structures are `hodoscope-emulator`'s; what is
//! written here is what differs from model to model.

mod build;
mod class;
mod header;
mod shim;

use hodoscope_program::{Program, Set};
use thiserror::Error;

use super::{Files, KERNELS_VERSION, names, program_hash};

pub use shim::MODEL_CRATE;

/// Version of the table of functions; the name of the symbol bears it.
pub const ABI: u32 = 1;

/// More inputs than a call of one event takes.
const MAXIMUM_INPUTS: usize = 64;

/// Why a program has no such library.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EmulatorError {
    /// The package's name is none.
    #[error(
        "`{name}` is no name of a package: take letters, digits, `-` and `_`, with a letter first"
    )]
    Name {
        /// What was asked for.
        name: String,
    },
    /// A name ends within a C string.
    #[error("the name {name:?} holds a zero, which ends a text in C; rename it in the model")]
    Zero {
        /// The name.
        name: String,
    },
    /// Too many inputs.
    #[error(
        "the program has {inputs} inputs; a library takes {MAXIMUM_INPUTS} at most: join some with a Concat in the model"
    )]
    Inputs {
        /// Their number.
        inputs: usize,
    },
    /// There are two sets.
    #[error("the program has {sets} sets of constituents; a library takes one")]
    Sets {
        /// Their number.
        sets: usize,
    },
}

/// What is written for one program under one name.
#[derive(Clone, Debug)]
pub struct Emulator<'a> {
    program: &'a Program,
    name: String,
    hash: String,
}

impl<'a> Emulator<'a> {
    /// The library of `program`, called `name`; by default that of the program.
    ///
    /// # Errors
    /// When a C interface cannot say what the program is.
    pub fn new(program: &'a Program, name: Option<&str>) -> Result<Self, EmulatorError> {
        let name = name.map_or_else(|| super::crate_name(program), str::to_owned);
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !starts || !name.chars().all(is_name) || name.len() > 100 {
            return Err(EmulatorError::Name { name });
        }
        if program.inputs.len() > MAXIMUM_INPUTS {
            let inputs = program.inputs.len();
            return Err(EmulatorError::Inputs { inputs });
        }
        if program.sets.len() > 1 {
            let sets = program.sets.len();
            return Err(EmulatorError::Sets { sets });
        }
        let inputs = program.inputs.iter();
        let fields = inputs.clone().flat_map(|input| &input.fields);
        let all = std::iter::once(&program.name)
            .chain(inputs.map(|input| &input.name))
            .chain(program.outputs.iter().map(|output| &output.name))
            .chain(fields.flat_map(|field| [&field.name, &field.unit]));
        if let Some(name) = all.clone().find(|name| name.contains('\0')) {
            return Err(EmulatorError::Zero { name: name.clone() });
        }
        let hash = program_hash(program);
        let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            program,
            name,
            hash,
        })
    }

    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the program's text, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The first digits of the hash, which names bear.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.hash[..16]
    }

    /// The only symbol of the libraries.
    #[must_use]
    pub fn symbol(&self) -> String {
        format!("hodoscope_v{ABI}_{}", self.tag())
    }

    /// File names of the shared library: what is loaded, which is its soname, too, and what is linked.
    #[must_use]
    pub fn shared(&self) -> (String, String) {
        let link = format!("libhodoscope-{}.so", self.name);
        (format!("{link}.{}", self.tag()), link)
    }

    /// File name of the static library.
    #[must_use]
    pub fn archive(&self) -> String {
        format!("libhodoscope-{}.a", self.name)
    }

    /// `lib.rs` of the library, in which the emitted crate is called [`MODEL_CRATE`] and the interface `abi`.
    #[must_use]
    pub fn shim(&self) -> String {
        shim::library(self)
    }

    /// Headers and files for CMake and pkg-config, by their path in the package.
    #[must_use]
    pub fn files(&self) -> Files {
        let mut files = Files::new();
        let include = "include/hodoscope";
        files.insert(format!("{include}/{}.h", self.name), header::header(self));
        files.insert(format!("{include}/{}.hpp", self.name), class::class(self));
        let package = format!("hodoscope-{}", self.name);
        let cmake = format!("lib/cmake/{package}/{package}");
        files.insert(format!("{cmake}Config.cmake"), build::cmake(self));
        files.insert(
            format!("{cmake}ConfigVersion.cmake"),
            build::cmake_version(),
        );
        files.insert(
            format!("lib/pkgconfig/{package}.pc"),
            build::pkg_config(self),
        );
        files
    }

    /// The name as it stands in C: `pfn_qg`.
    #[must_use]
    pub fn identifier(&self) -> String {
        self.name.replace('-', "_")
    }

    fn set(&self) -> Option<&Set> {
        self.program.sets.first()
    }

    /// Field names of the inputs in the emitted crate; parameters in C++.
    fn inputs(&self) -> Vec<String> {
        names::fields(self.program.inputs.iter().map(|input| input.name.as_str()))
    }

    /// Number of an event's raws.
    fn raws(&self) -> usize {
        let outputs = self.program.outputs.iter();
        outputs
            .map(|output| self.program.value(output.value).shape.channels())
            .sum()
    }
}

/// The version that packages bear.
const VERSION: &str = KERNELS_VERSION;
