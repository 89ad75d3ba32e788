//! Single bits of real images, flipped in emulation: before the start, and while the firmware runs.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use hodoscope_sim::targets::{Health, Part, Reset};
use hodoscope_wire::{Decoder, REPLY_FRAME, Reply, Request, encode};
use object::{Object, ObjectSection, ObjectSymbol};

use super::*;

/// Flips while a firmware runs, of each part; `HODOSCOPE_FLIPS=5000` takes more.
fn flips() -> usize {
    let asked = env::var("HODOSCOPE_FLIPS").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(6)
}

/// Where the symbol whose name has `part` in it lies: its address, its bytes, and its place in the file.
fn symbol(elf: &[u8], part: &str) -> (u64, u64, usize) {
    let file = object::File::parse(elf).unwrap();
    let symbol = file
        .symbols()
        .find(|symbol| symbol.size() > 0 && symbol.name().is_ok_and(|name| name.contains(part)))
        .unwrap_or_else(|| panic!("no symbol {part}"));
    // Of Arm's code the lowest bit says that it is Thumb's.
    let address = symbol.address() & !1;
    let section = symbol.section_index().unwrap();
    let section = file.section_by_index(section).unwrap();
    let (offset, _) = section.file_range().unwrap();
    let place = (offset + address - section.address()) as usize;
    (address, symbol.size(), place)
}

/// The fixture's image, with what `change` does to it.
fn changed(release: &Built, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Built {
    let mut elf = fs::read(&release.elf).unwrap();
    change(&mut elf);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, elf).unwrap();
    let mut built = release.clone();
    built.elf = path;
    built
}

fn health(board: &Board, built: &Built) -> (Health, Option<TargetError>) {
    let mut session = Session::start(board, built, &SessionOptions::default()).unwrap();
    let refused = session.infer(&payload(EVENTS[1])).err();
    let health = session.identity().health;
    session.finish().unwrap();
    (health, refused)
}

#[test]
fn an_image_that_changed_before_its_start_decides_nothing() {
    if without_emulator() {
        println!("not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
        return;
    }
    for name in ["mps2-an386", "virt-rv32", "nucleo-f446re"] {
        let board = find(name);
        let release = built(fixture(), &board, BuildOptions::default());
        assert!(matches!(health(&board, &release), (Health::Healthy, None)));
        // The middle one of the vectors is of no exception.
        let vectors = (name != "virt-rv32").then_some(("__EXCEPTIONS", Part::Code));
        for (symbol_part, part) in [
            ("sum_37WEIGHTS", Part::Constants),
            ("hodoscope_inference_end", Part::Code),
            ("HODOSCOPE_SEAL", Part::Seal),
        ]
        .into_iter()
        .chain(vectors)
        {
            let flipped = changed(&release, &format!("flipped-{name}"), |elf| {
                let (_, size, place) = symbol(elf, symbol_part);
                // The last bit of an instruction that does nothing is one that does nothing, too.
                let at = place
                    + if symbol_part == "hodoscope_inference_end" {
                        0
                    } else {
                        size as usize / 2
                    };
                elf[at] ^= 0x40;
            });
            let (health, refused) = health(&board, &flipped);
            assert_eq!(health, Health::Damaged(part), "{name} {symbol_part}");
            assert!(
                matches!(&refused, Some(TargetError::Damaged { part: found, .. }) if *found == part),
                "{refused:?}"
            );
        }
        let unsealed = changed(&release, &format!("unsealed-{name}"), |elf| {
            let (_, size, place) = symbol(elf, "HODOSCOPE_SEAL");
            elf[place..place + size as usize].fill(0);
        });
        assert!(matches!(
            health(&board, &unsealed),
            (Health::Unwatched, None)
        ));
    }
}

/// A debugger's end of QEMU's port for one.
struct Debugger(UnixStream);

impl Debugger {
    fn connect(path: &Path) -> Self {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            match UnixStream::connect(path) {
                Ok(stream) => {
                    let wait = |time| stream.set_read_timeout(Some(time)).unwrap();
                    // It has stopped the board, and may say so.
                    wait(Duration::from_millis(200));
                    let mut said = [0; 256];
                    while (&stream).read(&mut said).is_ok_and(|len| len > 0) {}
                    wait(Duration::from_secs(20));
                    let mut debugger = Self(stream);
                    debugger.go_on();
                    return debugger;
                }
                Err(error) if Instant::now() > end => panic!("{error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn send(&mut self, packet: &str) {
        let sum = packet.bytes().fold(0, u8::wrapping_add);
        write!(self.0, "${packet}#{sum:02x}").unwrap();
    }

    /// Lets the board go on: there is no answer until it stops.
    fn go_on(&mut self) {
        self.send("c");
        while self.byte() != b'+' {}
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        byte[0]
    }

    /// The next packet, which is acknowledged.
    fn receive(&mut self) -> String {
        while self.byte() != b'$' {}
        let bytes: Vec<u8> =
            std::iter::from_fn(|| Some(self.byte()).filter(|byte| *byte != b'#')).collect();
        self.byte();
        self.byte();
        self.0.write_all(b"+").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(packet);
        self.receive()
    }

    /// Lets the processor, an Arm, go on at another instruction.
    fn jump(&mut self, address: u64) {
        self.0.write_all(b"\x03").unwrap();
        assert!(self.receive().starts_with(['T', 'S']));
        let counter: String = (address as u32)
            .to_le_bytes()
            .map(|byte| format!("{byte:02x}"))
            .concat();
        // QEMU writes single registers for those who have read what there are.
        self.ask("qXfer:features:read:target.xml:0,ffb");
        assert_eq!(self.ask(&format!("Pf={counter}")), "OK");
        self.go_on();
    }

    /// Flips a bit of a running board's memory. The board stands still meanwhile.
    fn flip(&mut self, address: u64, bit: u8) {
        self.0.write_all(b"\x03").unwrap();
        assert!(self.receive().starts_with(['T', 'S']));
        let byte = self.ask(&format!("m{address:x},1"));
        let byte = u8::from_str_radix(&byte, 16).unwrap() ^ 1 << bit;
        assert_eq!(self.ask(&format!("M{address:x},1:{byte:02x}")), "OK");
        self.go_on();
    }
}

/// Bits of weights, and of code that no event runs, in the very image of a real board.
#[test]
fn a_bit_that_flips_on_a_running_board_is_found() {
    if without_emulator() {
        println!("not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
        return;
    }
    let name = "nucleo-f446re";
    let release = built(fixture(), &find(name), BuildOptions::default());
    let elf = fs::read(&release.elf).unwrap();
    let mut found: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let parts = [
        ("weights", symbol(&elf, "sum_37WEIGHTS")),
        ("code that no event runs", symbol(&elf, "rust_begin_unwind")),
    ];
    for (part, (address, size, _)) in parts {
        for flip in 0..flips() {
            let bits = 8 * size;
            // All over it, each bit once where there are as many.
            let bit = flip as u64 * 2_654_435_769 % bits;
            let dir = tempfile::tempdir().unwrap();
            let socket = dir.path().join("gdb");
            let mut board = find(name);
            let Runner::Emulator(emulator) = &mut board.runner else {
                panic!("{name} is emulated");
            };
            emulator.arguments.extend([
                "-gdb".to_owned(),
                format!("unix:{},server=on,wait=off", socket.display()),
            ]);
            let mut session = Session::start(&board, &release, &SessionOptions::default()).unwrap();
            assert_eq!(session.identity().health, Health::Healthy);
            let mut debugger = Debugger::connect(&socket);
            assert_eq!(session.infer(&payload(EVENTS[1])).unwrap().raws, [6]);
            debugger.flip(address + bit / 8, (bit % 8) as u8);
            // While nothing is asked of it, it goes through its memory.
            let counts = found.entry(part).or_default();
            let end = Instant::now() + Duration::from_secs(20);
            loop {
                match session.infer(&payload(EVENTS[1])) {
                    Ok(answer) if answer.raws == [6] => counts[0] += 1,
                    Ok(_) => counts[1] += 1,
                    Err(TargetError::Damaged { .. }) => break,
                    Err(other) => panic!("{part}, bit {bit}: {other}"),
                }
                assert!(Instant::now() < end, "{part}, bit {bit} was not found");
                std::thread::sleep(Duration::from_millis(2));
            }
            counts[2] += 1;
            // It stays so.
            let again = session.infer(&payload(EVENTS[1]));
            assert!(matches!(again, Err(TargetError::Damaged { .. })));
            drop(session);
        }
    }
    for (part, [right, wrong, found]) in found {
        println!(
            "{part}: {found} flips found; before that {right} answers were right, {wrong} wrong"
        );
        assert_eq!(found, flips());
    }
}

/// The very image of a real board in QEMU, which may start again, as its chip would.
struct Restarting {
    qemu: Child,
    to: ChildStdin,
    from: Receiver<Reset>,
}

impl Restarting {
    fn start(board: &Board, built: &Built, socket: &Path) -> Self {
        let Runner::Emulator(emulator) = &board.runner else {
            panic!("{} is emulated", board.name);
        };
        let arguments = emulator.arguments.iter().filter(|own| *own != "-no-reboot");
        let arguments = arguments.map(|own| own.replace("{elf}", built.elf.to_str().unwrap()));
        let mut qemu = Command::new(&emulator.program)
            .args(arguments)
            .arg("-gdb")
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = qemu.stdout.take().unwrap();
        let (send, from) = mpsc::channel();
        std::thread::spawn(move || {
            let mut decoder = Decoder::<REPLY_FRAME>::new();
            let mut byte = [0];
            while output.read(&mut byte).is_ok_and(|len| len > 0) {
                let mut bytes = &byte[..];
                if let Some(Ok(Reply::Identity(identity))) = decoder.feed::<Reply<'_>>(&mut bytes)
                    && send.send(identity.reset).is_err()
                {
                    return;
                }
            }
        });
        Self {
            to: qemu.stdin.take().unwrap(),
            qemu,
            from,
        }
    }

    fn send(&mut self, request: &Request<'_>) {
        let mut frame = [0; 64];
        // Whatever the board has read before ends here.
        self.to.write_all(&[0, 0]).unwrap();
        self.to
            .write_all(encode(request, &mut frame).unwrap())
            .unwrap();
        self.to.flush().unwrap();
    }

    /// Why it has started. It is asked until it answers.
    fn reset(&mut self) -> Reset {
        for _ in 0..100 {
            self.send(&Request::Hello { token: 1 });
            if let Ok(reset) = self.from.recv_timeout(Duration::from_millis(200)) {
                // Answers to what was asked twice.
                while self.from.recv_timeout(Duration::from_millis(300)).is_ok() {}
                return reset;
            }
        }
        panic!("the board does not answer");
    }
}

impl Drop for Restarting {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

#[test]
fn a_board_that_starts_again_says_why() {
    if without_emulator() {
        println!("not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
        return;
    }
    let board = find("nucleo-f446re");
    let release = built(fixture(), &board, BuildOptions::default());
    let elf = fs::read(&release.elf).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("gdb");
    let mut restarting = Restarting::start(&board, &release, &socket);
    // QEMU's chip has no flags of its own.
    assert_eq!(restarting.reset(), Reset::Unknown);
    let mut debugger = Debugger::connect(&socket);
    for (place, reason) in [
        ("rust_begin_unwind", Reset::Panic),
        ("_HardFault", Reset::Fault),
    ] {
        let (address, _, _) = symbol(&elf, place);
        debugger.jump(address);
        assert_eq!(restarting.reset(), reason);
    }
    restarting.send(&Request::Shutdown);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(restarting.reset(), Reset::Host);
}
