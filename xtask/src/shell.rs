//! Running other programs: every command is shown before it runs, every failure names it.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context, Result, bail};

/// The top of the checkout.
pub fn root() -> &'static Path {
    // This crate lies directly below it.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// What these steps write, apart from cargo's own output.
pub fn target() -> PathBuf {
    root().join("target")
}

/// Where `hodoscope` keeps what it builds: below `target/`, unless the variable says otherwise.
pub fn cache() -> Option<(&'static str, PathBuf)> {
    const CACHE: &str = "HODOSCOPE_CACHE";
    match env::var_os(CACHE) {
        Some(_) => None,
        None => Some((CACHE, target().join("cache"))),
    }
}

/// The cargo that runs this, from the top of the checkout.
pub fn cargo() -> Command {
    at_root(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program, run from the top of the checkout.
pub fn at_root(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// A program that needs root's rights: through `sudo` for other users.
pub fn as_root(program: &str) -> Result<Command> {
    let user = output(Command::new("id").arg("-u"))?;
    if user == "0" {
        return Ok(Command::new(program));
    }
    if find("sudo").is_none() {
        bail!("`{program}` needs root, or sudo");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}

/// Installs packages of the system with `apt-get`.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    if find("apt-get").is_none() {
        bail!("there is no apt-get on this machine");
    }
    let install = || -> Result<()> {
        run(as_root("apt-get")?
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages))
    };
    // The lists of a fresh machine are often empty: fetch them only when that may be the cause.
    if install().is_err() {
        run(as_root("apt-get")?.arg("update"))?;
        install()?;
    }
    Ok(())
}

/// Where PATH has `program`.
pub fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// Whether the variable is set to `1`.
pub fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| value == "1")
}

/// Runs it; its output is seen.
pub fn run(command: &mut Command) -> Result<()> {
    show(command);
    let status = command.status().with_context(|| line(command))?;
    if !status.success() {
        bail!("`{}`: {status}", line(command));
    }
    Ok(())
}

/// Runs it and returns its standard output, trimmed; messages are seen.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| line(command))?;
    if !output.status.success() {
        bail!("`{}`: {}", line(command), output.status);
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something that is not UTF-8", line(command)))?;
    Ok(text.trim().to_owned())
}

/// Runs it and returns its standard output, also when it fails.
pub fn output_whatever(command: &mut Command) -> Result<(String, ExitStatus)> {
    show(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| line(command))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((text, output.status))
}

/// Runs it, shows its standard output and hands each line of it to `seen`.
pub fn run_seeing(command: &mut Command, mut seen: impl FnMut(&str)) -> Result<()> {
    show(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| line(command))?;
    if let Some(stdout) = child.stdout.take() {
        let mut shown = std::io::stdout().lock();
        for text in BufReader::new(stdout).split(b'\n') {
            let text = text?;
            let text = String::from_utf8_lossy(&text);
            writeln!(shown, "{text}")?;
            seen(&text);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{}`: {status}", line(command));
    }
    Ok(())
}

/// Whether it succeeds; nothing of it is seen.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn show(command: &Command) {
    eprintln!("$ {}", line(command));
}

/// The command as one would type it, with paths below the checkout made short.
pub fn line(command: &Command) -> String {
    let root = format!("{}/", root().display());
    let set = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy().into_owned();
        Some(format!("{}={value}", name.to_string_lossy()))
    });
    let program = Path::new(command.get_program());
    // cargo gives its own full path; its name is what one types.
    let program = match program.file_name() {
        Some(name) if name == "cargo" => name.to_string_lossy().into_owned(),
        _ => program.to_string_lossy().into_owned(),
    };
    let arguments = command
        .get_args()
        .map(|argument| argument.to_string_lossy().into_owned());
    set.chain([program])
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
        .replace(&root, "")
}
