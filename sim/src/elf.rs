//! Sizes and symbols of an ELF file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolKind, elf};

use crate::targets::TargetError;

/// What a firmware takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Code.
    pub text: u64,
    /// Constants.
    pub rodata: u64,
    /// Initialised variables: in flash, and copied to RAM.
    pub data: u64,
    /// Variables that start as zero or as nothing. Regions that a linker script sets aside for
    /// stack and heap do not count.
    pub bss: u64,
}

impl Sizes {
    /// What has to be stored in flash.
    #[must_use]
    pub fn flash(&self) -> u64 {
        self.text + self.rodata + self.data
    }

    /// RAM for variables, the stack excepted.
    #[must_use]
    pub fn ram(&self) -> u64 {
        self.data + self.bss
    }
}

/// Where a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Address of its first instruction.
    pub address: u64,
    /// Bytes.
    pub size: u64,
}

/// An ELF file in memory.
#[derive(Clone, Debug)]
pub struct Elf {
    sizes: Sizes,
    functions: Vec<(String, Function)>,
    constants: Vec<(String, u64)>,
    /// Addresses of names, those of the linker script among them.
    symbols: BTreeMap<String, u64>,
    /// First address of each section that lies in memory, and the one behind its last; regions that
    /// are set aside for stack and heap do not count.
    sections: Vec<(u64, u64)>,
}

impl Elf {
    /// Reads `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is no ELF.
    pub fn read(path: &Path) -> Result<Self, TargetError> {
        let bytes = fs::read(path).map_err(TargetError::io("read", path))?;
        Self::parse(&bytes).map_err(|error| TargetError::Elf {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    pub(crate) fn parse(bytes: &[u8]) -> object::Result<Self> {
        let file = object::File::parse(bytes)?;
        let mut sizes = Sizes::default();
        let mut sections = Vec::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            let has = |flag: elf::SectionFlags| sh_flags.0 & flag.0 != 0;
            let name = section.name()?;
            if !has(elf::SHF_ALLOC) || name.starts_with(".stack") || name.starts_with(".heap") {
                continue;
            }
            let kind = match (section.file_range().is_some(), has(elf::SHF_EXECINSTR)) {
                (false, _) => &mut sizes.bss,
                (true, true) => &mut sizes.text,
                (true, false) if has(elf::SHF_WRITE) => &mut sizes.data,
                (true, false) => &mut sizes.rodata,
            };
            *kind += section.size();
            sections.push((section.address(), section.address() + section.size()));
        }

        let mut symbols = BTreeMap::new();
        for symbol in file.symbols().filter(|symbol| !symbol.is_undefined()) {
            symbols.insert(symbol.name()?.to_owned(), symbol.address());
        }
        let mut functions = Vec::new();
        let mut constants = Vec::new();
        for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
            let name = symbol.name()?.to_owned();
            match symbol.kind() {
                SymbolKind::Text => {
                    // Bit 0 of an Arm address says that the function is Thumb code.
                    let thumb = u64::from(file.architecture() == object::Architecture::Arm);
                    let function = Function {
                        address: symbol.address() & !thumb,
                        size: symbol.size(),
                    };
                    functions.push((name, function));
                }
                SymbolKind::Data => constants.push((name, symbol.size())),
                _ => {}
            }
        }
        Ok(Self {
            sizes,
            functions,
            constants,
            symbols,
            sections,
        })
    }

    /// What it takes.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// The function whose symbol is `name`.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<Function> {
        self.functions
            .iter()
            .find(|(symbol, _)| symbol == name)
            .map(|(_, function)| *function)
    }

    /// The address of `name`.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.get(name).copied()
    }

    /// The end of the highest section between `origin` and `limit`; `origin` if there is none.
    #[must_use]
    pub fn end_below(&self, origin: u64, limit: u64) -> u64 {
        self.sections
            .iter()
            .map(|(_, end)| *end)
            .filter(|end| (origin..=limit).contains(end))
            .max()
            .unwrap_or(origin)
    }

    /// The functions whose symbols are `names`.
    ///
    /// # Errors
    /// When one is missing in this file, which is `path`.
    pub(crate) fn markers(
        &self,
        path: &Path,
        names: [&str; 2],
    ) -> Result<[Function; 2], TargetError> {
        let [begin, end] = names.map(|name| {
            self.function(name).ok_or_else(|| TargetError::Elf {
                path: path.to_owned(),
                message: format!("it has no function `{name}`"),
            })
        });
        Ok([begin?, end?])
    }

    /// Bytes of the statics of the package `name`: weights, biases and tables, for an emitted
    /// crate. Nothing when the file has no such symbol.
    #[must_use]
    pub fn statics(&self, name: &str) -> Option<u64> {
        let sizes: Vec<u64> = self.statics_of(name).map(|(_, size)| size).collect();
        (!sizes.is_empty()).then(|| sizes.iter().sum())
    }

    /// Bytes of those statics of the package `name` that are called one of `statics`.
    #[must_use]
    pub fn statics_among(&self, name: &str, statics: &BTreeSet<String>) -> u64 {
        let statics: Vec<String> = statics.iter().map(|name| component(name)).collect();
        let own = self.statics_of(name);
        own.filter(|(symbol, _)| statics.iter().any(|one| is_of(symbol, one)))
            .map(|(_, size)| size)
            .sum()
    }

    fn statics_of(&self, name: &str) -> impl Iterator<Item = (&str, u64)> {
        let package = component(&name.replace('-', "_"));
        self.constants
            .iter()
            .filter(move |(symbol, _)| is_of(symbol, &package))
            .map(|(symbol, size)| (symbol.as_str(), *size))
    }
}

/// An identifier as both of Rust's manglings write it: behind its length.
fn component(name: &str) -> String {
    format!("{}{name}", name.len())
}

/// Whether a mangled symbol has the path component `mangled`.
fn is_of(symbol: &str, mangled: &str) -> bool {
    symbol.match_indices(mangled).any(|(at, _)| {
        // `12x` is not the component `2x`.
        !symbol[..at].ends_with(|c: char| c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mangled_components_are_found_whole() {
        assert!(is_of(
            "_ZN6pfn_qg7weights2W017h0123456789abcdefE",
            "6pfn_qg"
        ));
        assert!(is_of("_RNvNtCs1234_6pfn_qg7weights2W0", "6pfn_qg"));
        assert!(!is_of("_ZN16xxxxxxxxxxpfn_qg2W0E", "6pfn_qg"));
        assert!(!is_of("_ZN66pfn_qgE", "6pfn_qg"));
    }

    #[test]
    fn something_else_is_no_elf() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "text").unwrap();
        let error = Elf::read(file.path()).unwrap_err();
        assert!(matches!(error, TargetError::Elf { .. }), "{error}");
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn this_test_is_an_elf() {
        let elf = Elf::read(&std::env::current_exe().unwrap()).unwrap();
        assert!(elf.sizes().text > 1000);
        assert!(elf.sizes().flash() > elf.sizes().text);
        assert!(elf.function("main").is_some_and(|main| main.size > 0));
        assert_eq!(elf.function("no_such_function"), None);
        assert_eq!(elf.statics("no-such-package"), None);
        assert_eq!(
            elf.statics_among("no-such-package", &["A".into()].into()),
            0
        );
    }
}
