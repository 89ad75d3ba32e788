//! Boards: facts from `boards/NAME/board.toml`. `boards/README.md` says what each key means.

use std::collections::BTreeMap;
use std::fs;
use std::path::{self, Path, PathBuf};

use hodoscope_compiler::plan::Isa;
use serde::Deserialize;

use super::rtl::{Design, Wheel};
use super::{TargetError, files, sources, tool};

/// Version of the form of `board.toml`.
const SCHEMA: u32 = 1;

/// A board, or the host itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// The name of its folder.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// The processor.
    pub cpu: String,
    /// The instruction set whose plan it takes.
    pub isa: Isa,
    /// The processor's clock; a board without one has no time.
    pub clock_hz: Option<u64>,
    /// Where a clock comes from that is not the board's own: for a soft-core a synthesis.
    pub clock_source: Option<String>,
    /// What syntheses of a soft-core gave.
    pub syntheses: Vec<Synthesis>,
    /// Cycles that a read of flash waits.
    pub flash_wait_states: Option<u32>,
    /// Cycles that a read of RAM waits.
    pub ram_wait_states: Option<u32>,
    /// Whether caches let cycles depend on the addresses of data, and on what ran before.
    pub caches: bool,
    /// Bytes that flash delivers at once.
    pub flash_line_bytes: Option<u32>,
    /// The cost table of the processor: a core of `hodoscope-cost`.
    pub cost: Option<String>,
    /// Bytes of flash.
    pub flash: Option<u64>,
    /// First address of flash.
    pub flash_origin: Option<u64>,
    /// Bytes of RAM.
    pub ram: Option<u64>,
    /// First address of RAM.
    pub ram_origin: Option<u64>,
    /// The app family.
    pub app: String,
    /// Rust's name of the target; nothing for the host.
    pub target: Option<String>,
    /// Flags for rustc. `{board}` stands for the board's folder.
    pub rustflags: Vec<String>,
    /// Environment of a build.
    pub env: BTreeMap<String, String>,
    /// What runs a firmware.
    pub runner: Runner,
    /// Requests that may be under way at once.
    pub window: usize,
    /// Speed of its serial port; nothing where that is no matter.
    pub baud: Option<u32>,
    /// Whether bytes of the link interrupt an inference.
    pub interrupts: bool,
    /// How firmware gets into its flash; nothing where there is none.
    pub flashing: Option<Flashing>,
    /// Ticks of a second, 0 where they are no time.
    pub ticks_per_second: u32,
    /// Scripts that the linker reads, by their name.
    pub(super) scripts: BTreeMap<PathBuf, Vec<u8>>,
}

/// How firmware gets into a board's flash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Flashing {
    /// The board shows a drive, which takes a UF2 file.
    Uf2 {
        /// What tells its chip from others.
        family: u32,
        /// The drive's name.
        volume: String,
    },
    /// A debugger, through the program `probe-rs`.
    ProbeRs {
        /// The chip's name there.
        chip: String,
    },
}

/// What a synthesis of a soft-core gave, as `hodoscope synth` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synthesis {
    /// The FPGA.
    pub device: String,
    /// Names and versions of the tools.
    pub tools: String,
    /// RAM of the system, bytes.
    pub memory_bytes: u64,
    /// Cells that are used, by the tool's name of their kind.
    pub cells: BTreeMap<String, u64>,
    /// Number of placements.
    pub seeds: u32,
    /// Least and most of their highest clocks, Hz.
    pub fmax_hz: [u64; 2],
}

/// What runs a firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runner {
    /// The firmware is a program of this machine.
    Native,
    /// A program that emulates the board, with the link on its standard streams.
    Emulator(Emulator),
    /// A soft-core's own Verilog, simulated cycle for cycle. Its ticks are cycles.
    Rtl(Design),
    /// Nothing here: it needs the board.
    Hardware,
}

/// How an emulator is called. In arguments `{elf}` stands for the firmware, `{log}` for a file that
/// takes the defmt stream, `{board}` for the board's folder, `{uf2}` for the firmware as a UF2 file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Emulator {
    /// Its name.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Arguments besides, for ticks that do not depend on this machine.
    pub deterministic: Vec<String>,
    /// Arguments besides, to load the plugin `{plugin}`; none where that is not possible.
    pub plugin: Vec<String>,
    /// The command that installs it.
    pub install: Option<String>,
}

impl Emulator {
    pub(super) fn find(&self) -> Result<PathBuf, TargetError> {
        let install = match &self.install {
            Some(command) => format!("run: {command}"),
            None => "it must be in the PATH".to_owned(),
        };
        tool::find(&self.program, &install)
    }
}

impl Board {
    /// Whether the instructions of an event can be counted.
    #[must_use]
    pub fn counts_instructions(&self) -> bool {
        matches!(&self.runner, Runner::Emulator(emulator) if !emulator.plugin.is_empty())
    }

    /// Whether the network is an instruction of its core, so that `hodoscope rtl` has to write it before anything is built.
    #[must_use]
    pub fn has_network(&self) -> bool {
        matches!(&self.runner, Runner::Rtl(design) if design.network)
    }

    /// Whether an emulator without a notion of time runs its firmware here.
    #[must_use]
    pub fn is_emulated(&self) -> bool {
        matches!(self.runner, Runner::Emulator(_))
    }

    /// How its memories wait, for a cost model. What lies neither in flash nor in RAM is tightly
    /// coupled and does not wait.
    #[must_use]
    pub fn memory(&self) -> hodoscope_cost::Memory {
        let region = |origin: Option<u64>, bytes: Option<u64>| Some((origin?, origin? + bytes?));
        hodoscope_cost::Memory {
            flash: region(self.flash_origin, self.flash),
            flash_wait_states: self.flash_wait_states.unwrap_or(0).into(),
            flash_line_bytes: self.flash_line_bytes.unwrap_or(16).into(),
            ram_wait_states: self.ram_wait_states.unwrap_or(0).into(),
        }
    }

    /// Checks that what runs a firmware is installed: cheap, hence good to do before a build.
    ///
    /// # Errors
    /// [`TargetError::MissingTool`], with the command that installs it.
    pub fn check_runner(&self) -> Result<(), TargetError> {
        match &self.runner {
            Runner::Native => Ok(()),
            Runner::Emulator(emulator) => emulator.find().map(drop),
            Runner::Rtl(design) => design.check(),
            Runner::Hardware => Err(TargetError::NoEmulator {
                board: self.name.clone(),
            }),
        }
    }
}

/// `board.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    name: String,
    title: String,
    kind: Kind,
    core: Core,
    #[serde(default)]
    memory: Memory,
    build: Build,
    #[serde(default)]
    run: Run,
    rtl: Option<Rtl>,
    flash: Option<Flashing>,
    #[serde(default)]
    synthesis: Vec<Synthesis>,
    link: Link,
    ticks: Ticks,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Host,
    Emulated,
    Hardware,
    Rtl,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Core {
    name: String,
    isa: String,
    clock_hz: Option<u64>,
    flash_wait_states: Option<u32>,
    ram_wait_states: Option<u32>,
    #[serde(default)]
    caches: bool,
    flash_line_bytes: Option<u32>,
    cost: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    flash: Option<Region>,
    ram: Option<Region>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Region {
    origin: u64,
    bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    target: Option<String>,
    app: String,
    #[serde(default)]
    rustflags: Vec<String>,
    #[serde(default)]
    defmt_rustflags: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    deterministic: Vec<String>,
    #[serde(default)]
    plugin: Vec<String>,
    install: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rtl {
    package: String,
    version: String,
    sha256: String,
    verilog: Vec<String>,
    #[serde(default)]
    network: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    #[serde(rename = "transport")]
    _transport: Transport,
    window: usize,
    baud: Option<u32>,
    #[serde(default)]
    interrupts: bool,
}

/// There is one so far.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Transport {
    Stdio,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticks {
    per_second: u32,
    /// For people.
    #[serde(rename = "deterministic")]
    _deterministic: Option<String>,
}

/// Files of one board, by their name.
type Folder = BTreeMap<PathBuf, Vec<u8>>;

/// The board `name`: the first of the folders in `own` that has this name, else one that hodoscope
/// brings.
///
/// # Errors
/// When there is no such board, or its file is wrong.
pub fn find(name: &str, own: &[PathBuf]) -> Result<Board, TargetError> {
    if let Some(folder) = own.iter().find(|folder| folder_name(folder) == name) {
        return parse(&folder.join("board.toml"), files::read_tree(folder)?);
    }
    let mut known = embedded();
    match known.remove(name) {
        Some(folder) => parse(&Path::new(name).join("board.toml"), folder),
        None => {
            let own = own.iter().map(|folder| folder_name(folder));
            let mut names: Vec<_> = known.into_keys().chain(own).collect();
            names.sort();
            Err(TargetError::UnknownBoard {
                name: name.to_owned(),
                known: names.join(", "),
            })
        }
    }
}

/// Names of the boards that hodoscope brings, in alphabetical order.
#[must_use]
pub fn names() -> Vec<String> {
    embedded().into_keys().collect()
}

/// The folders of boards in `dir`, in alphabetical order: `dir` itself where it is one.
///
/// # Errors
/// When `dir` cannot be read, holds no board, or one of a name that hodoscope brings.
pub fn folders(dir: &Path) -> Result<Vec<PathBuf>, TargetError> {
    let dir = &path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let error = |message: &str| TargetError::Board {
        path: dir.clone(),
        message: message.to_owned(),
    };
    let is_board = |folder: &PathBuf| folder.join("board.toml").is_file();
    let mut folders = vec![dir.clone()];
    if !is_board(dir) {
        let entries = fs::read_dir(dir).and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect()
        });
        folders = entries.map_err(|wrong| error(&format!("it cannot be read: {wrong}")))?;
        folders.retain(is_board);
        folders.sort();
    }
    if folders.is_empty() {
        return Err(error("no folder in it holds a board.toml"));
    }
    let known = embedded();
    let taken = folders.iter().map(|folder| folder_name(folder));
    match taken
        .into_iter()
        .find(|name| known.contains_key(name) || name == FABRIC)
    {
        Some(name) => Err(error(&format!(
            "hodoscope brings a board `{name}`; give yours another name"
        ))),
        None => Ok(folders),
    }
}

/// What is no board, and must not be the name of one: the model as logic.
pub const FABRIC: &str = "fabric";

fn embedded() -> BTreeMap<String, Folder> {
    let mut boards = BTreeMap::<_, Folder>::new();
    for (path, content) in sources::embedded() {
        let path = path.strip_prefix("boards/");
        if let Some((name, file)) = path.and_then(|path| path.split_once('/')) {
            let folder = boards.entry(name.to_owned()).or_default();
            folder.insert(PathBuf::from(file), content.to_vec());
        }
    }
    boards
}

fn folder_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Reads the board of a folder; `path` is for messages.
fn parse(path: &Path, mut folder: Folder) -> Result<Board, TargetError> {
    let error = |message: &str| TargetError::Board {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let text = folder
        .remove(Path::new("board.toml"))
        .ok_or_else(|| error("there is no such file"))?;
    let text = String::from_utf8(text).map_err(|_| error("it is no text"))?;
    let file: File = toml::from_str(&text).map_err(|wrong| error(&wrong.to_string()))?;
    if file.flash.is_some() && !matches!(file.kind, Kind::Hardware) {
        return Err(error("[flash] asks for kind = \"hardware\""));
    }
    if file.schema != SCHEMA {
        return Err(error(&format!("schema {}, not {SCHEMA}", file.schema)));
    }
    if path.parent().map(folder_name).as_ref() != Some(&file.name) {
        return Err(error("the name is not that of its folder"));
    }
    let runner = match (file.kind, file.run.command.as_slice(), file.rtl) {
        (Kind::Rtl, [], Some(rtl)) => Runner::Rtl(Design {
            wheel: Wheel {
                package: rtl.package,
                version: rtl.version,
                sha256: rtl.sha256,
            },
            verilog: rtl.verilog,
            network: rtl.network,
        }),
        (Kind::Rtl, [], None) => return Err(error("kind = \"rtl\" asks for the table [rtl]")),
        (Kind::Rtl, ..) => return Err(error("run.command: RTL has none, it is built")),
        (_, _, Some(_)) => return Err(error("[rtl] asks for kind = \"rtl\"")),
        (Kind::Host, [elf], None) if elf == "{elf}" => Runner::Native,
        (Kind::Hardware, [], None) => Runner::Hardware,
        (Kind::Emulated | Kind::Hardware, [program, arguments @ ..], None) => {
            Runner::Emulator(Emulator {
                program: program.clone(),
                arguments: arguments.to_vec(),
                deterministic: file.run.deterministic,
                plugin: file.run.plugin,
                install: file.run.install,
            })
        }
        (Kind::Host, ..) => return Err(error("run.command of a host is [\"{elf}\"]")),
        (Kind::Emulated, [], None) => return Err(error("run.command is empty")),
    };
    let isa =
        Isa::of_board(&file.core.isa).map_err(|wrong| error(&format!("core.isa: {wrong}")))?;
    if let Some(cost) = &file.core.cost {
        hodoscope_cost::Core::named(cost).map_err(|wrong| error(&format!("core.cost: {wrong}")))?;
    }
    // The worst placement on the first device is a clock that can be had.
    let synthesised = file
        .synthesis
        .first()
        .filter(|_| file.core.clock_hz.is_none());
    let clock_source = synthesised.map(|synthesis| {
        format!(
            "least of {} placements on {}, {}",
            synthesis.seeds, synthesis.device, synthesis.tools
        )
    });
    // Scripts of the linker, and of what emulates the board.
    folder.retain(|path, _| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension == "x" || extension == "cjs")
    });
    // Apps log through defmt unless they are told not to, and they are not.
    let rustflags = [file.build.rustflags, file.build.defmt_rustflags].concat();
    Ok(Board {
        name: file.name,
        description: file.title,
        cpu: file.core.name,
        isa,
        clock_hz: file
            .core
            .clock_hz
            .or(synthesised.map(|synthesis| synthesis.fmax_hz[0])),
        clock_source,
        syntheses: file.synthesis,
        flash_wait_states: file.core.flash_wait_states,
        ram_wait_states: file.core.ram_wait_states,
        caches: file.core.caches,
        flash_line_bytes: file.core.flash_line_bytes,
        cost: file.core.cost,
        flash: file.memory.flash.as_ref().map(|region| region.bytes),
        flash_origin: file.memory.flash.map(|region| region.origin),
        ram: file.memory.ram.as_ref().map(|region| region.bytes),
        ram_origin: file.memory.ram.map(|region| region.origin),
        app: file.build.app,
        target: file.build.target,
        rustflags,
        env: file.build.env,
        runner,
        window: file.link.window,
        baud: file.link.baud,
        interrupts: file.link.interrupts,
        flashing: file.flash,
        ticks_per_second: file.ticks.per_second,
        scripts: folder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let folder = Folder::from([(PathBuf::from("board.toml"), text.as_bytes().to_vec())]);
        let error = parse(Path::new("abacus/board.toml"), folder).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let error = error.to_string();
        assert!(error.starts_with("abacus/board.toml: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn wrong_files_are_refused_with_what_is_wrong() {
        let right = r#"
            schema = 1
            name = "abacus"
            title = "Beads"
            kind = "host"
            core = { name = "hand", isa = "portable" }
            build = { app = "native" }
            run = { command = ["{elf}"] }
            link = { transport = "stdio", window = 1 }
            ticks = { per_second = 0 }
        "#;
        let folder = Folder::from([(PathBuf::from("board.toml"), right.as_bytes().to_vec())]);
        parse(Path::new("abacus/board.toml"), folder).unwrap();
        check("nonsense", "nonsense");
        check(&right.replace("schema = 1", "schema = 2"), "schema 2");
        check(&right.replace("title", "titel"), "titel");
        check(
            &right.replace("\"abacus\"", "\"x\""),
            "not that of its folder",
        );
        check(&right.replace("\"host\"", "\"probe\""), "probe");
        check(&right.replace("\"stdio\"", "\"pigeon\""), "pigeon");
        check(
            &right.replace("\"portable\"", "\"portable\", cost = \"abacus\""),
            "core.cost: there is no cost table for the core `abacus`",
        );
        check(
            &right.replace("\"portable\"", "\"armv7-em\""),
            "core.isa: there is no instruction set `armv7-em`; there are portable, armv6m",
        );
        check(&right.replace("[\"{elf}\"]", "[]"), "run.command");
        check(&right.replace("\"host\"", "\"rtl\""), "run.command");
        let silent = right.replace("run = { command = [\"{elf}\"] }", "");
        check(&silent, "run.command of a host");
        check(&silent.replace("\"host\"", "\"rtl\""), "table [rtl]");
        let flash = "flash = { method = \"uf2\", family = 1, volume = \"V\" }";
        check(&format!("{right}\n{flash}"), "[flash] asks for");
        let hardware = format!("{}\n{flash}", silent.replace("\"host\"", "\"hardware\""));
        let folder = Folder::from([(PathBuf::from("board.toml"), hardware.as_bytes().to_vec())]);
        let board = parse(Path::new("abacus/board.toml"), folder).unwrap();
        let error = board.check_runner().unwrap_err().to_string();
        assert!(error.contains("--port"), "{error}");
        check(&hardware.replace("uf2", "smoke"), "smoke");
        let rtl = "rtl = { package = \"p\", version = \"1\", sha256 = \"\", verilog = [] }";
        check(&format!("{right}\n{rtl}"), "[rtl] asks for");
    }

    #[test]
    fn folders_of_boards_are_told_from_others() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |dir: &Path| folders(dir).unwrap_err().to_string();
        assert!(refused(dir.path()).ends_with("no folder in it holds a board.toml"));
        assert!(refused(&dir.path().join("x")).contains("x"));
        for name in ["b", "a", "no-board"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in ["b", "a"] {
            fs::write(dir.path().join(name).join("board.toml"), "").unwrap();
        }
        let both = ["a", "b"].map(|name| dir.path().join(name));
        assert_eq!(folders(dir.path()).unwrap(), both);
        assert_eq!(folders(&both[1]).unwrap(), both[1..]);
        let taken = dir.path().join("virt-rv32");
        fs::create_dir(&taken).unwrap();
        fs::write(taken.join("board.toml"), "").unwrap();
        assert!(refused(dir.path()).contains("hodoscope brings a board `virt-rv32`"));
    }
}
