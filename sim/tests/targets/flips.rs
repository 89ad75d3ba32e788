//! Single bits of real images, flipped in emulation: before the start, and while the firmware runs.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use hodoscope_sim::targets::{Health, Part};
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
        for (symbol_part, part) in [
            ("sum_37WEIGHTS", Part::Constants),
            ("hodoscope_inference_end", Part::Code),
            ("HODOSCOPE_SEAL", Part::Seal),
        ] {
            let flipped = changed(&release, &format!("flipped-{name}"), |elf| {
                let (_, size, place) = symbol(elf, symbol_part);
                // The last bit of an instruction that does nothing is one that does nothing, too.
                let at = place
                    + if part == Part::Code {
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
        (self.byte(), self.byte());
        self.0.write_all(b"+").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(packet);
        self.receive()
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
