//! A feeder with a link and a clock.

use std::time::{Duration, Instant};

use super::feeder::{Feeder, Pace, Settled};
use super::port::Port;
use super::tally::Tally;
use crate::targets::protocol::{Connection, Identity, Log, Silence};
use crate::targets::runner::Process;
use crate::targets::{Board, Built, SessionOptions, TargetError, hex};

/// How events are replayed.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// When they are due.
    pub pace: Pace,
    /// The raw that decides, and the least that is accepted; nothing for a firmware that decides by a menu.
    pub decision: Option<(u16, i64)>,
    /// Codes of menus, each with the index of the first event that it decides.
    pub menus: Vec<(usize, Vec<u8>)>,
    /// Events that are under way at once at most; nothing means what the board allows.
    pub window: Option<usize>,
    /// How long to wait for progress.
    pub patience: Duration,
    /// The program that the board must run.
    pub program: [u8; 32],
    /// Its name, for messages.
    pub name: String,
    /// The board that the firmware must have been built for; nothing where that is known.
    pub board: Option<String>,
}

/// What remains of a replay.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What the board says that it is.
    pub identity: Identity,
    /// What was counted.
    pub tally: Tally,
    /// From the first frame of an event to the last answer.
    pub duration: Duration,
}

/// A link to a board, and the process that is one, if there is.
pub struct Link {
    what: String,
    connection: Connection,
    process: Option<Process>,
}

impl Link {
    /// Starts what emulates the board.
    ///
    /// # Errors
    /// When it is missing or does not start.
    pub fn start(board: &Board, built: &Built) -> Result<Self, TargetError> {
        let (process, connection) = Process::start(board, built, &SessionOptions::default())?;
        Ok(Self {
            what: board.name.clone(),
            connection,
            process: Some(process),
        })
    }

    /// Opens the port at which a board is, a serial one at `baud`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(port: &Port, baud: u32) -> Result<Self, TargetError> {
        let (from, to) = port.open(baud).map_err(|error| TargetError::Port {
            port: port.to_string(),
            message: error.to_string(),
        })?;
        Ok(Self {
            what: port.to_string(),
            connection: Connection::new(from, to, &Log::default()),
            process: None,
        })
    }

    /// Ends the process that was started; a board at a port goes on.
    ///
    /// # Errors
    /// When it does not end by itself.
    pub fn finish(mut self) -> Result<(), TargetError> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        // One that has ended already hears nothing.
        let _ = self.connection.send(&hodoscope_wire::Request::Shutdown);
        process.wait(&self.what, Duration::from_secs(20))
    }

    fn silent(&mut self, feeder: &Feeder<'_>, events: usize, limit: Duration) -> TargetError {
        if let Some(version) = feeder.foreign() {
            return TargetError::Protocol {
                what: self.what.clone(),
                message: format!(
                    "it speaks version {version}, this is {}; flash it again",
                    hodoscope_wire::VERSION
                ),
            };
        }
        let ended = feeder.tally().total(|run| run.decided + run.refused);
        let wanted = match feeder.identity() {
            None => feeder.wanted().to_owned(),
            Some(_) => format!(
                "{} after {ended} of {events} events had theirs",
                feeder.wanted()
            ),
        };
        let log = self.process.as_ref().map(Process::log).unwrap_or_default();
        TargetError::TimedOut {
            what: self.what.clone(),
            wanted,
            limit,
            log,
        }
    }

    fn closed(&mut self) -> TargetError {
        match &mut self.process {
            Some(process) => process.ended(&self.what),
            None => TargetError::Port {
                port: self.what.clone(),
                message: "it was closed".to_owned(),
            },
        }
    }
}

/// Sends every event to the board at `link` and gives what became of it to `take`, in the order of their ends.
///
/// # Errors
/// When the link closes, the board makes no progress, or it runs another program.
pub fn replay(
    link: &mut Link,
    payloads: &[Vec<u8>],
    options: &ReplayOptions,
    mut take: impl FnMut(Settled),
) -> Result<Replayed, TargetError> {
    let mut feeder = Feeder::new(
        payloads,
        options.pace.clone(),
        options.decision,
        options.window,
        token(),
    )
    .with_menus(&options.menus);
    let start = Instant::now();
    let (mut first, mut last) = (None, Duration::ZERO);
    let (mut is_checked, mut damaged) = (false, None);
    while !feeder.is_done() {
        while let Some(bytes) = feeder.send(start.elapsed()) {
            if link.connection.send_bytes(&bytes).is_err() {
                return Err(link.closed());
            }
        }
        let now = start.elapsed();
        let limit = options.patience;
        if let Some(since) = feeder.waits_since()
            && now > since + limit
        {
            return Err(link.silent(&feeder, payloads.len(), limit));
        }
        // Often enough to see that nothing comes.
        let wake = feeder.wake().unwrap_or(now + Duration::from_millis(100));
        match link
            .connection
            .receive(start + wake.min(now + Duration::from_millis(500)))
        {
            Ok(received) => feeder.receive(start.elapsed(), received),
            Err(Silence::Frame(error)) => feeder.damaged(start.elapsed(), error),
            Err(Silence::TimedOut) => {}
            Err(Silence::Closed) => return Err(link.closed()),
        }
        if feeder.is_damaged().is_some() {
            let since = *damaged.get_or_insert(start.elapsed());
            if !feeder.is_counting() || start.elapsed() > since + LAST_WORD {
                break;
            }
        }
        if let Some(refusal) = feeder.menu_refused() {
            return Err(TargetError::Protocol {
                what: link.what.clone(),
                message: format!("it did not take the menu: {refusal}"),
            });
        }
        if let Some(identity) = feeder.identity().filter(|_| !is_checked) {
            check(identity, &link.what, options)?;
            is_checked = true;
        }
        while let Some(settled) = feeder.settled() {
            let end = settled.sent + settled.latency;
            first = Some(first.unwrap_or(settled.sent).min(settled.sent));
            last = last.max(end);
            take(settled);
        }
    }
    if let Some(part) = feeder.is_damaged() {
        let what = damaged_in(&link.what, feeder.tally());
        return Err(TargetError::Damaged { what, part });
    }
    Ok(Replayed {
        identity: feeder.identity().cloned().unwrap_or_default(),
        tally: feeder.tally().clone(),
        duration: last.saturating_sub(first.unwrap_or(last)),
    })
}

/// How long a board that found damage is waited for, that it says what it had counted.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A board that found damage, with what had become of the events.
fn damaged_in(what: &str, tally: &Tally) -> String {
    let Some(run) = tally.runs.last().filter(|run| run.sent > 0) else {
        return what.to_owned();
    };
    let vouched = match &run.board {
        Some(board) => format!("it vouches for decisions of the first {}", board.vouched),
        None => "which of them it vouches for it does not say".to_owned(),
    };
    format!(
        "{what}, behind {} decisions of {} events that were sent in run {:08x} ({} without an answer; {vouched}),",
        run.decided, run.sent, run.epoch, run.interrupted
    )
}

fn check(identity: &Identity, what: &str, options: &ReplayOptions) -> Result<(), TargetError> {
    if let Some(board) = options
        .board
        .as_ref()
        .filter(|board| **board != identity.board)
    {
        return Err(TargetError::Port {
            port: what.to_owned(),
            message: format!(
                "the firmware there was built for `{}`, not for `{board}`",
                identity.board
            ),
        });
    }
    if identity.program == options.program {
        return Ok(());
    }
    let show = |name: &str, program: &[u8; 32]| format!("{name} ({}…)", hex(&program[..6]));
    Err(TargetError::Identity {
        what: what.to_owned(),
        found: show(&identity.name, &identity.program),
        expected: show(&options.name, &options.program),
    })
}

/// A number that hardly any other replay has: boards must not take the events of one for those of another.
fn token() -> u32 {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanoseconds = time.map_or(0, |time| time.as_nanos() as u64);
    let mixed = (nanoseconds ^ u64::from(std::process::id()).rotate_left(40))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) as u32).max(1)
}
