//! Events over a board's true link, and a link that damages them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hodoscope_sim::targets::{BuildOptions, Cache, board, build};
use serial2::SerialPort;

use crate::*;

fn replay(dir: &Path, on: &str) -> Command {
    let mut command = cached(on_events("replay", dir, &test_events()));
    command.args(["--on", on]);
    command
}

/// The firmware of a model for a board, as a file.
fn firmware(dir: &Path, name: &str) -> PathBuf {
    let folder = name.strip_suffix("-board").unwrap_or(name);
    let mut board = board::find(folder, &[]).expect("a board");
    name.clone_into(&mut board.name);
    let cache = match std::env::var_os("HODOSCOPE_CACHE") {
        Some(root) => Cache::at(root.into()),
        None => Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope")),
    };
    let built = build(dir, &board, &BuildOptions::default(), &cache);
    built.expect("a firmware").elf
}

fn accounted(report: &Value, events: u64) {
    assert_eq!(report["bits_different"], 0, "{report}");
    assert_eq!(report["decisions_different"], 0, "{report}");
    assert_eq!(report["events"], events, "{report}");
    let count = |key: &str| report[key].as_u64().expect("a count");
    assert_eq!(count("decided"), events);
    let ends = count("decided") + count("refused") + count("interrupted");
    assert_eq!(count("sent"), ends);
    let runs = report["runs"].as_array().expect("runs");
    let last = runs.last().expect("a run");
    assert_eq!(last["board"]["decided"], last["decided"], "{report}");
}

#[test]
fn a_board_gives_the_interpreters_bits_and_the_session_can_be_replayed() {
    let place = Place::new();
    let dir = place.compiled();
    let file = place.path("session.jsonl");
    let first = || {
        let mut command = replay(&dir, "native-board");
        command.args(["--events", "300", "--rate", "2kHz", "--record"]);
        command.arg(&file);
        command
    };
    let report = json(&mut first());
    accounted(&report, 300);
    assert_eq!(report["frames_repeated"], 0, "{report}");
    assert_eq!(report["firmware"]["board"], "native-board");
    // The threshold is the median: half of the events are above it.
    assert!((100..=200).contains(&report["accepted"].as_u64().expect("a count")));
    assert!(
        report["duration_s"].as_f64().expect("a time") > 0.14,
        "{report}"
    );

    // The file is not overwritten.
    fails(&mut first(), 2, &["session.jsonl", "it exists"]);
    let session = |path: &Path| {
        let mut command = cached(hodoscope());
        command.arg("replay").arg(&dir).arg("--session").arg(path);
        command.args(["--on", "native", "--rate", "recorded"]);
        command
    };
    let again = json(&mut session(&file));
    accounted(&again, 300);
    assert_eq!(again["recorded_different"], 0);
    assert!(
        again["duration_s"].as_f64().expect("a time") > 0.14,
        "{again}"
    );

    // One raw of the session is another: the board still gives the interpreter's.
    let text = fs::read_to_string(&file).expect("a session");
    let at = text.find("\"raws\":[").expect("raws") + "\"raws\":[".len();
    let changed = place.path("changed.jsonl");
    fs::write(&changed, format!("{}12345,{}", &text[..at], &text[at..])).expect("a file");
    let (code, out, err) = ends(&mut session(&changed));
    assert_eq!(code, 1, "{err}");
    assert!(
        out.contains("0 different") && err.contains("event 0 had another answer"),
        "{err}"
    );

    // Of another program, or no session at all.
    let program = text.replacen("\"program_sha256\":\"", "\"program_sha256\":\"00", 1);
    fs::write(&changed, program).expect("a file");
    fails(
        &mut session(&changed),
        2,
        &["changed.jsonl:1:", "a session of program pfn-qg"],
    );
    fs::write(&changed, "{}\n").expect("a file");
    fails(&mut session(&changed), 2, &["changed.jsonl:1:", "--record"]);
}

#[test]
fn a_board_at_a_serial_port_is_fed_and_asked_who_it_is() {
    let place = Place::new();
    let dir = place.compiled();
    let elf = firmware(&dir, "native-board");
    // The second end has a name. It stays open: else the link would be closed between replays.
    let (master, named) = SerialPort::pair().expect("a pseudo-terminal");
    let link = format!("/proc/self/fd/{}", named.as_raw_fd());
    let port = fs::read_link(link).expect("Linux names it");
    let mut child = Command::new(elf)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (mut to, mut from) = (
        child.stdin.take().expect("its input"),
        child.stdout.take().expect("its output"),
    );
    let back = master.try_clone().expect("a handle");
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            back.write_all(&buffer[..n]).expect("a terminal");
        }
    });
    thread::spawn(move || {
        let mut buffer = [0; 256];
        loop {
            match master.read(&mut buffer) {
                Ok(n) => to.write_all(&buffer[..n]).expect("a board"),
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Err(_) => return,
            }
        }
    });
    let at_port = || {
        let mut command = replay(&dir, "native-board");
        command.args(["--events", "200", "--port"]).arg(&port);
        command
    };
    accounted(&json(&mut at_port()), 200);
    // The board goes on: another replay, another run.
    let report = json(&mut at_port());
    accounted(&report, 200);
    assert_eq!(report["resets"], 0);
    let mut wrong = replay(&dir, "virt-rv32");
    wrong.args(["--events", "2", "--port"]).arg(&port);
    fails(
        &mut wrong,
        3,
        &["built for `native-board`, not for `virt-rv32`"],
    );
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let place = Place::new();
    let dir = place.compiled();
    let mut recorded = replay(&dir, "native-board");
    fails(
        recorded.args(["--rate", "recorded"]),
        2,
        &["--rate recorded", "1kHz"],
    );
    let mut rate = replay(&dir, "native-board");
    let (code, _, err) = ends(rate.args(["--rate", "1"]));
    assert!(code == 2 && err.contains("2kHz"), "{err}");
    let mut output = replay(&dir, "native-board");
    fails(output.args(["--output", "9"]), 2, &["--output 9", "1 raws"]);
    let mut port = replay(&dir, "native-board");
    fails(
        port.args(["--port", "/dev/no-such-port"]),
        3,
        &["/dev/no-such-port"],
    );
    // Somebody who says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp:{}", listener.local_addr().expect("an address"));
    let mut silent = replay(&dir, "native-board");
    silent.args(["--patience", "1", "--port", &address]);
    fails(&mut silent, 3, &["no its identity", "within 1s"]);
}

/// A board behind a socket, whose link damages one frame in so many; after so many bytes to it the board starts again.
struct Relay {
    address: String,
}

impl Relay {
    fn new(one_in: u64, reset_after: usize, start: impl Fn() -> Child + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("tcp:{}", listener.local_addr().expect("an address"));
        thread::spawn(move || {
            let (host, _) = listener.accept().expect("the host comes");
            serve(host, one_in, reset_after, &start);
        });
        Self { address }
    }
}

fn serve(mut host: TcpStream, one_in: u64, reset_after: usize, start: &dyn Fn() -> Child) {
    let back = Arc::new(Mutex::new(host.try_clone().expect("a handle")));
    let boot = |seed| {
        let mut child = start();
        let mut from = child.stdout.take().expect("its output");
        let (back, mut noise) = (Arc::clone(&back), Noise::new(seed, one_in));
        thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                let bytes = noise.pass(&buffer[..n]);
                let _ = back.lock().expect("the lock").write_all(&bytes);
            }
        });
        child
    };
    let mut child = boot(11);
    let mut noise = Noise::new(12, one_in);
    let (mut count, mut is_reset) = (0, false);
    let mut buffer = [0; 256];
    while let Ok(n @ 1..) = host.read(&mut buffer) {
        count += n;
        if count > reset_after && !is_reset {
            is_reset = true;
            let _ = child.kill();
            let _ = child.wait();
            child = boot(13);
        }
        let to = child.stdin.as_mut().expect("its input");
        if to.write_all(&noise.pass(&buffer[..n])).is_err() || to.flush().is_err() {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Damages frames: a bit, a byte more, a byte less, none at all, twice, or behind the next one.
struct Noise {
    state: u64,
    one_in: u64,
    frame: Vec<u8>,
    late: Vec<u8>,
}

impl Noise {
    fn new(seed: u64, one_in: u64) -> Self {
        Self {
            state: seed,
            one_in,
            frame: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Knuth's constants; the high bits are random enough.
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % limit
    }

    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in bytes {
            self.frame.push(byte);
            if byte != 0 {
                continue;
            }
            let mut frame = std::mem::take(&mut self.frame);
            let late = std::mem::take(&mut self.late);
            if self.below(self.one_in) == 0 {
                let at = self.below(frame.len() as u64) as usize;
                match self.below(6) {
                    0 => frame[at] ^= 1 << self.below(8),
                    1 => frame.insert(at, self.below(256) as u8),
                    2 => drop(frame.remove(at)),
                    3 => frame.clear(),
                    4 => frame = frame.repeat(2),
                    _ => self.late = std::mem::take(&mut frame),
                }
            }
            out.extend(frame);
            out.extend(late);
        }
        out
    }
}

#[test]
fn a_noisy_link_and_a_reset_lose_no_event_of_an_emulated_board() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some() {
        eprintln!("SKIPPED: there is no QEMU, and that was allowed");
        return;
    }
    let place = Place::new();
    let dir = place.compiled();
    let elf = firmware(&dir, "mps2-an386");
    let relay = Relay::new(40, 60_000, move || {
        let arguments = [
            "-machine",
            "mps2-an386",
            "-display",
            "none",
            "-monitor",
            "none",
            "-chardev",
            "stdio,id=link,signal=off",
            "-serial",
            "chardev:link",
            "-chardev",
            "null,id=log",
            "-semihosting-config",
            "enable=on,target=native,chardev=log",
            "-kernel",
        ];
        Command::new("qemu-system-arm")
            .args(arguments)
            .arg(&elf)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("QEMU starts")
    });
    // It listens before anybody asks.
    thread::sleep(Duration::from_millis(10));
    let mut noisy = replay(&dir, "mps2-an386");
    noisy.args(["--events", "1000", "--port", &relay.address]);
    let report = json(&mut noisy);
    accounted(&report, 1000);
    assert_eq!(report["resets"], 1, "{report}");
    let count = |key: &str| report[key].as_u64().expect("a count");
    assert!(
        count("frames_repeated") > 0 && count("replies_damaged") > 0,
        "{report}"
    );
}

/// The autoencoder, compiled: the firmware of real boards is tested with it.
fn autoencoder(place: &Place) -> PathBuf {
    let dir = place.path("ae-qcd");
    let folder = models().join("ae-qcd");
    succeeds(&mut compile(
        &folder.join("model.onnx"),
        &folder.join("calibration.npz"),
        &dir,
    ));
    dir
}

fn without_emulator() -> bool {
    let without = std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some();
    if without {
        eprintln!("SKIPPED: there are no emulators, and that was allowed");
    }
    without
}

/// The very images that are flashed, on emulators of their chips.
#[test]
fn real_boards_give_the_interpreters_bits_in_emulation() {
    if without_emulator() {
        return;
    }
    let place = Place::new();
    let dir = autoencoder(&place);
    for (name, app, ticks) in [
        // The emulated chip has no clocks: it stays on its internal oscillator, and says so.
        ("nucleo-f446re", "stm32f4", 16_000_000),
        ("pico", "pico", 125_000_000),
    ] {
        let events = models().join("ae-qcd/test.npz");
        let mut command = cached(on_events("replay", &dir, &events));
        let report = json(command.args(["--on", name, "--events", "2000"]));
        accounted(&report, 2000);
        assert_eq!(report["firmware"]["board"], name);
        assert_eq!(report["firmware"]["app"], app);
        assert_eq!(report["firmware"]["memory"], "healthy", "{report}");
        assert_eq!(report["firmware"]["ticks_per_second"], ticks, "{report}");
        assert_eq!(report["firmware"]["window"], 8, "{report}");
        // Nothing is lost: bytes wait in the ring.
        assert_eq!(report["frames_repeated"], 0, "{report}");
        assert_eq!(
            report["runs"][0]["board"]["unreadable_frames"], 0,
            "{report}"
        );
        assert!(report["median_ticks"].as_u64() > Some(100), "{report}");
    }
}

fn flash(dir: &Path, on: &str) -> Command {
    let mut command = cached(hodoscope());
    command.arg("flash").arg(dir).args(["--on", on]);
    command
}

#[test]
fn a_board_is_flashed_through_its_drive() {
    let place = Place::new();
    let dir = autoencoder(&place);
    let image = place.path("image.uf2");
    let dry = json(flash(&dir, "pico").args(["--dry-run", "-o"]).arg(&image));
    assert_eq!(dry["written"], false);
    let bytes = fs::read(&image).expect("an image");
    assert_eq!(dry["image_bytes"].as_u64(), Some(bytes.len() as u64));
    // Whole blocks from the first page of flash on, which the boot ROM loads.
    assert!(bytes.len().is_multiple_of(512) && bytes.starts_with(b"UF2\n"));
    assert_eq!(bytes[12..16], 0x1000_0000_u32.to_le_bytes());
    // The program's hash is in it, as the board says it.
    let hash = dry["program_sha256"].as_str().expect("a hash");
    let pages: Vec<u8> = bytes
        .chunks(512)
        .flat_map(|block| &block[32..288])
        .copied()
        .collect();
    let hash: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).expect("hex"))
        .collect();
    assert!(pages.windows(32).any(|window| window == hash));

    let drive = place.path("RPI-RP2");
    fs::create_dir(&drive).expect("a directory");
    let mut no_drive = flash(&dir, "pico");
    fails(no_drive.arg("--drive").arg(&drive), 3, &["INFO_UF2.TXT"]);
    fs::write(drive.join("INFO_UF2.TXT"), "UF2 Bootloader v3.0\n").expect("a file");
    let done = json(flash(&dir, "pico").arg("--drive").arg(&drive));
    assert_eq!(done["written"], true);
    let copied = fs::read(drive.join("ae-qcd-pico.uf2")).expect("the image");
    assert!(copied == bytes);

    // What is there and no image stays.
    let notes = place.path("notes.txt");
    fs::write(&notes, "mine").expect("a file");
    let mut over = flash(&dir, "pico");
    fails(
        over.args(["--dry-run", "-o"]).arg(&notes),
        2,
        &["notes.txt", "no image"],
    );
    assert_eq!(fs::read(&notes).expect("a file"), b"mine");
    fails(
        &mut flash(&dir, "mps2-an386"),
        2,
        &["no flash to write", "replay"],
    );
}

#[test]
fn a_board_is_flashed_through_a_debugger() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new();
    let dir = autoencoder(&place);
    let dry = succeeds(flash(&dir, "nucleo-f446re").arg("--dry-run"));
    let wanted = "probe-rs download --chip STM32F446RETx --verify /";
    assert!(
        dry.contains(wanted) && dry.contains("probe-rs reset"),
        "{dry}"
    );
    // Somebody else's program of that name writes down how it is called.
    let (calls, bin) = (place.path("calls"), place.path("bin"));
    fs::create_dir(&bin).expect("a directory");
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").expect("a PATH")
    );
    let program = bin.join("probe-rs");
    let with = |script: String| {
        fs::write(&program, script).expect("a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may run");
        let mut command = flash(&dir, "nucleo-f446re");
        command.env("PATH", &path);
        command
    };
    let done = json(&mut with(format!(
        "#!/bin/sh\necho \"$@\" >> {}\n",
        calls.display()
    )));
    assert_eq!(done["written"], true);
    let calls = fs::read_to_string(calls).expect("calls");
    let calls: Vec<&str> = calls.lines().collect();
    assert!(
        calls[0].starts_with("download --chip STM32F446RETx --verify /"),
        "{calls:?}"
    );
    assert_eq!(calls[1..], ["reset --chip STM32F446RETx"]);
    let mut failing = with("#!/bin/sh\necho no probe was found >&2\nexit 1\n".to_owned());
    fails(
        &mut failing,
        3,
        &["flashing nucleo-f446re", "no probe was found"],
    );
}
