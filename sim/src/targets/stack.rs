//! How deep the stack of an emulated firmware gets.
//!
//! The memory between the firmware's variables and the top of its stack is filled with a pattern
//! before the processor starts, by QEMU's generic loader. At the end it is read back over QEMU's
//! machine protocol (QMP): what the pattern does not fill any more was used. Nothing is added to the
//! firmware. A word that happens to hold the pattern at the very end of the stack would hide itself.

use std::fs;
use std::path::{Path, PathBuf};

use crate::elf::Elf;

use super::{Board, TargetError};

/// What unused stack holds.
const PATTERN: u8 = 0xa5;
/// No more than this is looked at: below it an overflow would be found otherwise.
const LARGEST: u64 = 256 * 1024;
/// The linker's name of the address where the stack starts (`cortex-m-rt`, `riscv-rt`).
const START: &str = "_stack_start";

/// The memory of a stack, and the files through which it is measured.
#[derive(Debug)]
pub struct Stack {
    lowest: u64,
    start: u64,
    pattern: PathBuf,
    socket: PathBuf,
    dump: PathBuf,
}

impl Stack {
    /// Finds the stack of `elf`, and writes its pattern into `folder`. Nothing where the firmware does
    /// not say where its stack is.
    pub fn prepare(elf: &Elf, board: &Board, folder: &Path) -> Result<Option<Self>, TargetError> {
        let (Some(start), Some(origin)) = (elf.symbol(START), board.ram_origin) else {
            return Ok(None);
        };
        let lowest = elf
            .end_below(origin, start)
            .max(start.saturating_sub(LARGEST));
        if lowest >= start || !cfg!(unix) {
            return Ok(None);
        }
        let stack = Self {
            lowest,
            start,
            pattern: folder.join("stack"),
            socket: folder.join("qmp"),
            dump: folder.join("used"),
        };
        let pattern = vec![PATTERN; (start - lowest) as usize];
        fs::write(&stack.pattern, pattern).map_err(TargetError::io("write", &stack.pattern))?;
        Ok(Some(stack))
    }

    /// QEMU's arguments.
    pub fn arguments(&self, escaped: impl Fn(&Path) -> String) -> Vec<String> {
        vec![
            "-device".to_owned(),
            format!(
                "loader,file={},addr={:#x},force-raw=on",
                escaped(&self.pattern),
                self.lowest
            ),
            "-qmp".to_owned(),
            format!("unix:{},server=on,wait=off", escaped(&self.socket)),
        ]
    }

    /// Bytes that were used so far.
    #[cfg(unix)]
    pub fn used(&self) -> Result<u64, TargetError> {
        self.save()
            .map_err(TargetError::io("read the stack through", &self.socket))?;
        let bytes = fs::read(&self.dump).map_err(TargetError::io("read", &self.dump))?;
        let untouched = bytes.iter().take_while(|&&byte| byte == PATTERN).count();
        Ok(self.start - self.lowest - untouched as u64)
    }

    /// Never prepared elsewhere.
    #[cfg(not(unix))]
    pub fn used(&self) -> Result<u64, TargetError> {
        Ok(self.start - self.lowest)
    }

    /// Has QEMU write the memory into a file.
    #[cfg(unix)]
    fn save(&self) -> std::io::Result<()> {
        use std::io::{BufRead, BufReader, Error, Write};
        use std::os::unix::net::UnixStream;
        use std::time::Duration;

        let mut socket = UnixStream::connect(&self.socket)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut lines = BufReader::new(socket.try_clone()?).lines();
        let mut ask = |request: String| -> std::io::Result<()> {
            writeln!(socket, "{request}")?;
            // The greeting and events come in between.
            for line in lines.by_ref() {
                let line = line?;
                if line.contains("\"error\"") {
                    return Err(Error::other(line));
                }
                if line.contains("\"return\"") {
                    return Ok(());
                }
            }
            Err(Error::other("it was closed"))
        };
        ask("{\"execute\": \"qmp_capabilities\"}".to_owned())?;
        let file = self.dump.to_string_lossy();
        // As the processor sees it: what is its memory's secure alias is nothing to the machine's bus.
        ask(format!(
            "{{\"execute\": \"memsave\", \"arguments\": {{\"val\": {}, \"size\": {}, \"filename\": {file:?}}}}}",
            self.lowest,
            self.start - self.lowest
        ))
    }
}
