//! `hodoscope package`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_compiler::emit::emulator::{ABI, Emulator};
use hodoscope_program::{Input, Program};
use hodoscope_sim::targets::{
    Cache, LibraryOptions, build_library, library_header, library_targets,
};
use serde_json::{Value, json};

use crate::model_dir::{ModelDir, replace};
use crate::progress;
use crate::report::{Report, thousands};
use crate::writable::Maker;

/// Make a shared and a static library of a compiled model, for C, C++ and whatever loads libraries
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope package pfn-qg -o pfn-qg-package

The result holds include/hodoscope/NAME.h and NAME.hpp, lib/libhodoscope-NAME.so and .a, a CMake package (hodoscope-NAME) and a
pkg-config file, share/hodoscope/NAME.json for languages that load libraries by name, and licences. The libraries have one symbol,
which bears the program's hash: any number of models, and versions of one model, fit into one process.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it
    dir: PathBuf,
    /// Where to write the package [default: DIR-package]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// What headers, libraries and targets are called [default: the model's name]; two versions in one source need two names
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Rust's name of the target [default: this machine's]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Processor that the library needs, as `rustc --print target-cpus` names it: x86-64-v3 has AVX2 [default: any of the target].
    /// Bits do not depend on it
    #[arg(long, value_name = "CPU")]
    cpu: Option<String>,
    /// Replace a package that is there already
    #[arg(long)]
    force: bool,
}

/// The value of `"generator"` in a description of ours.
const GENERATOR: &str = "hodoscope package";

pub fn package(args: &Args) -> Result<Report> {
    let model = ModelDir::read(&args.dir)?;
    let emulator = Emulator::new(&model.program, args.name.as_deref())
        .with_context(|| format!("{}: no library can be made", args.dir.display()))?;
    if let Some(target) = args
        .target
        .as_deref()
        .filter(|t| !library_targets().any(|l| l == *t))
    {
        let known: Vec<&str> = library_targets().collect();
        bail!(
            "--target {target}: no library is made for it, only for {}",
            known.join(", ")
        );
    }
    let output = args.output.clone().unwrap_or_else(|| {
        let mut name = args.dir.components().as_path().as_os_str().to_owned();
        name.push("-package");
        name.into()
    });
    check_writable(&output, args.force)?;
    let cache = Cache::from_env()?;
    let options = LibraryOptions {
        triple: args.target.clone(),
        cpu: args.cpu.clone(),
    };
    let spinner = progress::spinner(&format!("building the libraries of {}", emulator.name()));
    let built = build_library(&args.dir, &emulator, &options, &cache);
    spinner.finish_and_clear();
    let built = built?;
    let read =
        |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for (path, text) in emulator.files() {
        files.insert(path.into(), text.into_bytes());
    }
    let (shared, link) = emulator.shared();
    files.insert(
        "include/hodoscope/emulator.h".into(),
        library_header()?.into(),
    );
    files.insert(Path::new("lib").join(&shared), read(&built.shared)?);
    files.insert(
        Path::new("lib").join(emulator.archive()),
        read(&built.archive)?,
    );
    let texts = Path::new("share/licenses").join(format!("hodoscope-{}", emulator.name()));
    for (path, text) in built.licences()? {
        files.insert(texts.join(path), text);
    }
    let description = Path::new("share/hodoscope").join(format!("{}.json", emulator.name()));
    let mut names: Vec<String> = files
        .keys()
        .map(|path| path.display().to_string())
        .collect();
    names.push(format!("lib/{link}"));
    names.push(description.display().to_string());
    names.sort();
    let facts = describe(
        &model.program,
        &emulator,
        &built.triple,
        args.cpu.as_deref(),
        &names,
    );
    files.insert(description, format!("{facts:#}\n").into_bytes());
    replace(&output, args.force, |new| {
        for (path, content) in &files {
            let path = new.join(path);
            let folder = path.parent().unwrap_or(new);
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        link_name(&new.join("lib"), &shared, &link)
    })?;
    let bytes = |path: &str| files.get(&Path::new("lib").join(path)).map_or(0, Vec::len) as u64;
    let text = format!(
        "{name}: program {hash}\n  {shared}, {so} bytes, and {archive}, {a} bytes, for {triple}; symbol {symbol}\n  \
         CMake: find_package(hodoscope-{name}), hodoscope::{name} and hodoscope::{name}-static; pkg-config: hodoscope-{name}\n  \
         written to {out}\n",
        name = emulator.name(),
        hash = emulator.hash(),
        so = thousands(bytes(&shared)),
        archive = emulator.archive(),
        a = thousands(bytes(&emulator.archive())),
        triple = built.triple,
        symbol = emulator.symbol(),
        out = output.display(),
    );
    let mut json = facts;
    json["written"] = json!(output.display().to_string());
    Ok(Report::new(text, json))
}

/// The name by which linkers find the shared library.
fn link_name(lib: &Path, shared: &str, link: &str) -> Result<()> {
    let path = lib.join(link);
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(shared, &path);
    #[cfg(not(unix))]
    let made = fs::copy(lib.join(shared), &path).map(drop);
    made.with_context(|| format!("cannot write {}", path.display()))
}

/// What a program in another language needs to load the library.
fn describe(
    program: &Program,
    emulator: &Emulator<'_>,
    triple: &str,
    cpu: Option<&str>,
    files: &[String],
) -> Value {
    let fields = |input: &Input| {
        let fields = input.fields.iter().map(|field| {
            json!({
                "name": field.name,
                "unit": field.unit,
                "lsb": field.lsb.0,
                "minimum_word": field.minimum,
                "maximum_word": field.maximum,
                "empty_word": field.empty,
                "zero_point": field.zero_point(),
            })
        });
        fields.collect::<Vec<_>>()
    };
    let inputs = program.inputs.iter().map(|input| {
        json!({
            "name": input.name,
            "words": input.channels,
            "per_constituent": input.set.is_some(),
            "fields": fields(input),
        })
    });
    let outputs = program.outputs.iter().map(|output| {
        json!({
            "name": output.name,
            "raws": program.value(output.value).shape.channels(),
        })
    });
    json!({
        "generator": GENERATOR,
        "compiler": env!("CARGO_PKG_VERSION"),
        "abi": ABI,
        "name": emulator.name(),
        "model": program.name,
        "program_sha256": emulator.hash(),
        "symbol": emulator.symbol(),
        "shared_library": emulator.shared().0,
        "static_library": emulator.archive(),
        "target": triple,
        "cpu": cpu,
        "capacity": program.sets.first().map(|set| set.capacity),
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
        "files": files,
    })
}

const MAKER: Maker = Maker {
    command: "hodoscope package",
    makes: "a package",
};

/// Refuses what is no package of ours, or holds other files; and with `force` permits what is.
fn check_writable(output: &Path, force: bool) -> Result<()> {
    let shown = output.display();
    if fs::symlink_metadata(output).is_err() {
        let parent = output
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
            bail!(
                "{}: no such directory to write {shown} into",
                parent.display()
            );
        }
        return Ok(());
    }
    if !output.is_dir() {
        bail!("{shown}: exists and is not a directory; nothing was written");
    }
    let there = tree(output, Path::new(""))?;
    if there.is_empty() {
        return Ok(());
    }
    let own = own_files(output);
    let paths = there.iter().map(|path| path.display().to_string());
    let foreign = paths.filter(|path| !own.contains(path)).collect();
    MAKER.check(output, force, (!own.is_empty()).then_some(foreign))
}

/// Files that descriptions of ours in a package name.
fn own_files(output: &Path) -> Vec<String> {
    let entries = fs::read_dir(output.join("share/hodoscope"))
        .into_iter()
        .flatten()
        .flatten();
    let descriptions = entries.filter_map(|entry| {
        let description: Value = serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()?;
        (description["generator"] == GENERATOR).then(|| description["files"].as_array().cloned())?
    });
    let files = descriptions.flatten();
    files
        .filter_map(|file| Some(file.as_str()?.to_owned()))
        .collect()
}

/// Files below a folder, links as they are.
fn tree(root: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let dir = root.join(below);
    let mut files = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            files.extend(tree(root, &path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
