//! Where a board's link is, when this machine does not start the board.

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serial2::SerialPort;

/// A place where a board's link can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// A serial port or pseudo-terminal.
    Serial(PathBuf),
    /// `tcp:HOST:PORT`: a serial server, or an emulator.
    Tcp(String),
    /// `unix:PATH`: a socket of this machine.
    Unix(PathBuf),
}

impl FromStr for Port {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            Some(("tcp", address)) => Self::Tcp(address.to_owned()),
            Some(("unix", path)) => Self::Unix(path.into()),
            _ => Self::Serial(text.into()),
        })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path) => path.display().fmt(f),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

type Streams = (Box<dyn Read + Send>, Box<dyn Write + Send>);

impl Port {
    /// Opens it, a serial port at `baud`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(&self, baud: u32) -> io::Result<Streams> {
        match self {
            Self::Serial(path) => {
                let port = Arc::new(SerialPort::open(path, baud)?);
                // What was received before is of somebody else.
                port.discard_buffers()?;
                Ok((
                    Box::new(SerialIn(Arc::clone(&port))),
                    Box::new(SerialOut(port)),
                ))
            }
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                // A frame is sent when it is whole.
                stream.set_nodelay(true)?;
                Ok((Box::new(stream.try_clone()?), Box::new(stream)))
            }
            #[cfg(unix)]
            Self::Unix(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                Ok((Box::new(stream.try_clone()?), Box::new(stream)))
            }
            #[cfg(not(unix))]
            Self::Unix(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this system has no such sockets",
            )),
        }
    }
}

/// Reads until the other half is gone.
struct SerialIn(Arc<SerialPort>);

impl Read for SerialIn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                // A port that was quiet for a while is not closed.
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    if Arc::strong_count(&self.0) == 1 {
                        return Ok(0);
                    }
                }
                result => return result,
            }
        }
    }
}

struct SerialOut(Arc<SerialPort>);

impl Write for SerialOut {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        // What was written is under way; waiting for its end is no use to anybody.
        Ok(())
    }
}
