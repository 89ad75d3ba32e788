//! The command line: parsing, printing, exit codes.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::json;

use crate::commands::{
    boards, cache, compile, evaluate, flash, inspect, latency, manual, package, replay, rtl, run,
    stream, synth, trace, verify,
};
use crate::exit;
use crate::own_boards;
use crate::report::Report;

/// Compiles trained jet and anomaly taggers from ONNX into bit-exact no_std Rust for trigger boards
#[derive(Debug, Parser)]
#[command(
    name = "hodoscope",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "\
Example:
  hodoscope compile models/pfn-qg/model.onnx --calibration models/pfn-qg/calibration.npz -o pfn-qg
  hodoscope verify pfn-qg --inputs models/pfn-qg/test.npz --on native mps2-an386

Exit codes: 0 done and every check held; 1 a check failed; 2 bad input or usage, nothing written;
3 a tool, build, emulator, board or link is missing or failed.")]
struct Cli {
    /// Print one JSON object on stdout, figures with units in their keys
    #[arg(long, global = true)]
    json: bool,
    /// Folder of boards of your own, each a folder with its board.toml; may be given again
    #[arg(
        long = "boards",
        global = true,
        value_name = "DIR",
        env = "HODOSCOPE_BOARDS",
        value_delimiter = ':'
    )]
    own_boards: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Inspect(inspect::Args),
    Compile(Box<compile::Args>),
    Run(run::Args),
    Verify(verify::Args),
    Evaluate(evaluate::Args),
    Trace(trace::Args),
    Latency(latency::Args),
    Flash(flash::Args),
    Replay(replay::Args),
    Stream(Box<stream::Args>),
    Rtl(rtl::Args),
    Synth(synth::Args),
    Package(package::Args),
    Boards(boards::Args),
    Cache(cache::Args),
    Completions(manual::CompletionArgs),
    Man(manual::ManArgs),
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if let Err(error) = hodoscope_sim::ending::watch() {
        eprintln!(
            "note: signals are not caught, an interrupt may leave programs and folders behind: {error}"
        );
    }
    let result = own_boards::look_in(&cli.own_boards).and_then(|()| match &cli.command {
        Command::Inspect(args) => inspect::inspect(args),
        Command::Compile(args) => compile::compile(args),
        Command::Run(args) if cli.json && args.prints_outputs() => Err(anyhow::anyhow!(
            "--json: standard output cannot hold outputs (-o -) and a report; give a file with -o"
        )),
        Command::Run(args) => run::run(args),
        Command::Verify(args) => verify::verify(args),
        Command::Evaluate(args) => evaluate::evaluate(args),
        Command::Trace(args) => trace::trace(args),
        Command::Latency(args) => latency::latency(args),
        Command::Flash(args) => flash::flash(args),
        Command::Replay(args) => replay::replay(args),
        Command::Stream(args) => stream::stream(args),
        Command::Rtl(args) => rtl::rtl(args),
        Command::Synth(args) => synth::synth(args),
        Command::Package(args) => package::package(args),
        Command::Boards(args) => boards::boards(args),
        Command::Cache(args) => cache::cache(args),
        Command::Completions(args) => manual::completions(args, definition()),
        Command::Man(args) => manual::man(args, definition()),
    });
    let (report, code) = match result {
        Ok(report) => {
            let code = if report.failed.is_some() {
                exit::CHECK
            } else {
                0
            };
            (report, code)
        }
        Err(error) => {
            let (message, code) = (exit::message(&error), exit::code(&error));
            let report = Report {
                text: String::new(),
                json: json!({ "error": message, "exit_code": code }),
                failed: Some(message),
            };
            (report, code)
        }
    };
    if let Err(error) = print(&cli, &report) {
        // Whoever reads has gone away, as `head` does: no reason to complain.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            eprintln!("error: cannot write to stdout: {error}");
            return exit::exit(exit::INPUT);
        }
    }
    if let Some(message) = &report.failed {
        eprintln!("{} {message}", error_label());
    }
    exit::exit(code)
}

/// Ends with help or version, or with what is wrong with the arguments: with `--json` an object, too.
fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let object = json!({ "error": usage_message(error), "exit_code": exit::INPUT });
        // Where nobody reads it, the code still tells.
        let _ = writeln!(std::io::stdout(), "{object:#}");
    }
    // As above.
    let _ = error.print();
    exit::exit(if error.use_stderr() { exit::INPUT } else { 0 })
}

/// What is wrong with arguments, without the usage that follows.
pub fn usage_message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let text = text.split("\n\nFor more information").next();
    text.unwrap_or_default().trim_end().to_owned()
}

/// The definition of the command, of which completions and manual pages are made.
pub fn definition() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

fn print(cli: &Cli, report: &Report) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if cli.json {
        serde_json::to_writer_pretty(&mut out, &report.json)?;
        writeln!(out)?;
    } else {
        out.write_all(report.text.as_bytes())?;
    }
    out.flush()
}

/// `error:`, in red on a terminal unless NO_COLOR is set.
fn error_label() -> &'static str {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stderr().is_terminal() && !no_color {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_has_an_example() {
        for command in Cli::command().get_subcommands_mut() {
            let help = command.render_help().to_string();
            let example = format!("hodoscope {}", command.get_name());
            assert!(
                help.contains("Example") && help.contains(&example),
                "{help}"
            );
        }
    }
}
