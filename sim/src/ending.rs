//! What goes when this process is told to end: programs that it started, and its temporary folders.
//!
//! A signal to this process alone, as a batch system sends it, would leave QEMU or cargo at work and folders behind. Nothing is
//! caught unless [`watch`] was called, as the command does: who embeds this decides on signals.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

/// What is there now.
#[derive(Debug, Default)]
struct There {
    is_watched: bool,
    /// Process groups, by their leader.
    programs: BTreeSet<u32>,
    /// Folders and files.
    paths: BTreeSet<PathBuf>,
}

static THERE: Mutex<There> = Mutex::new(There {
    is_watched: false,
    programs: BTreeSet::new(),
    paths: BTreeSet::new(),
});

fn there() -> MutexGuard<'static, There> {
    THERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends programs and removes temporary folders at SIGINT and SIGTERM, and then this process, by that signal.
///
/// # Errors
/// When signals cannot be caught.
#[cfg(unix)]
pub fn watch() -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    there().is_watched = true;
    let end = move || {
        if let Some(signal) = signals.forever().next() {
            // Held until the end: nothing new is started.
            let there = there();
            for &program in &there.programs {
                kill(program);
            }
            for path in &there.paths {
                // What is not there need not go.
                let _ = match path.is_dir() {
                    true => std::fs::remove_dir_all(path),
                    false => std::fs::remove_file(path),
                };
            }
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(end)?;
    Ok(())
}

/// Nothing is caught on this system.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn watch() -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn kill(program: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(program).ok().and_then(Pid::from_raw);
    // It may have ended by itself.
    let _ = group.map(|group| kill_process_group(group, Signal::KILL));
}

/// A program that was started; it is forgotten when this is dropped, which is after it ended.
#[derive(Debug)]
pub struct Started(u32);

impl Drop for Started {
    fn drop(&mut self) {
        there().programs.remove(&self.0);
    }
}

/// Starts a program that ends with this process.
///
/// # Errors
/// When it does not start.
pub fn spawn(command: &mut Command) -> io::Result<(Child, Started)> {
    let mut there = there();
    #[cfg(unix)]
    if there.is_watched {
        // What it starts ends with it; a terminal's interrupt comes here alone.
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    let child = command.spawn()?;
    if there.is_watched {
        there.programs.insert(child.id());
    }
    let started = Started(child.id());
    Ok((child, started))
}

/// As [`Command::output`], of a program that ends with this process.
///
/// # Errors
/// As there.
pub fn output(command: &mut Command) -> io::Result<Output> {
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (child, _started) = spawn(command)?;
    child.wait_with_output()
}

/// A file or folder that goes when this process is told to end, until this is dropped.
#[derive(Debug)]
pub struct Passing(PathBuf);

impl Passing {
    /// What lies at `path`, or will.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        there().paths.insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        there().paths.remove(&self.0);
    }
}

/// A temporary folder, which goes with this, too.
#[derive(Debug)]
pub struct Folder {
    // Forgotten when it is no longer there: fields are dropped in this order.
    dir: TempDir,
    _passing: Passing,
}

impl Folder {
    /// Makes one among those of the system.
    ///
    /// # Errors
    /// When there is no room.
    pub fn new() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("hodoscope-").tempdir()?;
        let passing = Passing::new(dir.path());
        Ok(Self {
            dir,
            _passing: passing,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}
