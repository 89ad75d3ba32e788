//! Images of real boards: what they hold where the chip looks for it, and how large they are.
//!
//! `INSTA_UPDATE=always cargo test --test cli sizes` writes the sizes again.

use hodoscope_sim::targets::{board, flash};

use crate::*;

/// Boards that are flashed.
const BOARDS: [&str; 5] = [
    "nrf52840-dk",
    "nucleo-f446re",
    "nucleo-h743zi",
    "pico",
    "pico2",
];

fn compiled_as(place: &Place, name: &str) -> PathBuf {
    let dir = place.path(name);
    let folder = models().join(name);
    let mut command = compile(
        &folder.join("model.onnx"),
        &folder.join("calibration.npz"),
        &dir,
    );
    // Images are judged here, not what is lost.
    succeeds(command.arg("--accept-loss"));
    dir
}

fn dry_run(dir: &Path, on: &str, image: &Path) -> Value {
    let mut command = cached(hodoscope());
    command
        .arg("flash")
        .arg(dir)
        .args(["--on", on, "--dry-run"]);
    let report = json(command.arg("-o").arg(image));
    assert_eq!(report["written"], false);
    report
}

/// Flash from its first address on, as a debugger or a boot loader writes it.
fn flash_of(path: &Path, origin: u32) -> Vec<u8> {
    let image = fs::read(path).expect("an image");
    let parts: Vec<(u32, Vec<u8>)> = if image.starts_with(b"UF2\n") {
        let blocks = image.chunks(512);
        let page = |block: &[u8]| (word(block, 12), block[32..288].to_vec());
        blocks.map(page).collect()
    } else {
        let parts = flash::segments(path).expect("its parts");
        let part = |part: flash::Segment| (part.address, part.bytes);
        parts.into_iter().map(part).collect()
    };
    let mut flash = Vec::new();
    for (address, bytes) in parts {
        let at = (address - origin) as usize;
        flash.resize(flash.len().max(at + bytes.len()), 0);
        flash[at..at + bytes.len()].copy_from_slice(&bytes);
    }
    flash
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// What the core reads at its reset: a stack within RAM, and code within the image, in Thumb's form. The interrupt of the link leads to
/// the app's own handler.
#[test]
fn boards_without_an_emulator_have_images_that_their_chips_can_start() {
    let place = Place::new();
    let dir = compiled_as(&place, "ae-qcd");
    for (name, interrupt) in [("nrf52840-dk", 2), ("nucleo-h743zi", 39), ("pico2", 33)] {
        let board = board::find(name, &[]).expect("a board");
        let path = place.path(name);
        dry_run(&dir, name, &path);
        let (origin, ram) = (
            board.flash_origin.expect("flash") as u32,
            board.ram_origin.expect("RAM"),
        );
        let flash = flash_of(&path, origin);
        let end = ram + board.ram.expect("RAM");
        assert_eq!(u64::from(word(&flash, 0)), end, "{name}: stack");
        let code = |index: usize| {
            let address = word(&flash, 4 * index);
            assert_eq!(address % 2, 1, "{name}: vector {index}");
            assert!(
                (address - origin) < flash.len() as u32,
                "{name}: vector {index} at {address:#x}"
            );
            address
        };
        let (reset, fault) = (code(1), code(3));
        let handler = code(16 + interrupt);
        assert!(reset != fault && reset != handler, "{name}");
        // Unused interrupts and the link's share the handler that tells them apart.
        assert_eq!(handler, code(16), "{name}");
        // No vector is missing: this is the last that all three chips have.
        code(16 + 47);
    }
}

/// The definition that RP2350's boot ROM looks for within the first 4 KiB (datasheet, 5.9): one block, which links to itself.
#[test]
fn the_pico_2_has_an_image_definition_and_its_own_family() {
    let place = Place::new();
    let dir = compiled_as(&place, "ae-qcd");
    let path = place.path("pico2.uf2");
    dry_run(&dir, "pico2", &path);
    let image = fs::read(&path).expect("an image");
    // Arm, secure.
    assert!(
        image
            .chunks(512)
            .all(|block| word(block, 28) == 0xe48b_ff59)
    );
    let flash = flash_of(&path, 0x1000_0000);
    let starts: Vec<usize> = (0..4096)
        .step_by(4)
        .filter(|at| word(&flash, *at) == 0xffff_ded3)
        .collect();
    let [start] = starts[..] else {
        panic!("blocks at {starts:x?}")
    };
    assert!(start >= 16 * 4, "it lies in the vector table");
    let (mut at, mut words, mut kinds) = (start + 4, 0, Vec::new());
    loop {
        let item = word(&flash, at);
        // The last item says how many words there were.
        if item & 0xff == 0xff {
            assert_eq!(item >> 8 & 0xffff, words);
            break;
        }
        kinds.push(item);
        let size = item >> 8 & 0xff;
        assert!(size > 0 && words < 64, "an item of {size} words");
        words += size;
        at += 4 * size as usize;
    }
    // The image's type: executable (1), secure (2 in bits 4 and 5), Arm (0 in bits 8 to 10), RP2350 (1 in bits 12 to 14).
    assert_eq!(kinds, [0x1021_0142]);
    assert_eq!(word(&flash, at + 4), 0, "the link");
    assert_eq!(word(&flash, at + 8), 0xab12_3579, "the end");
}

#[test]
fn sizes_of_real_boards_are_as_written_down() {
    let place = Place::new();
    let mut found = String::from(
        "# Bytes of firmware: flash, and RAM without the stack. Written by `INSTA_UPDATE=always cargo test --test cli sizes`.\n",
    );
    for model in ["ae-qcd", "efn-top", "pfn-qg", "vae-l1"] {
        let dir = compiled_as(&place, model);
        for board in BOARDS {
            let path = place.path(&format!("{model}-{board}"));
            let report = dry_run(&dir, board, &path);
            let bytes = |key: &str| report[key].as_u64().expect("a size");
            let (flash, ram) = (bytes("flash_bytes"), bytes("ram_bytes_without_stack"));
            found += &format!("{model:8} {board:14} flash {flash:6} ram {ram:6}\n");
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sizes.txt");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        fs::write(&golden, &found).expect("the sizes");
    }
    let wanted = fs::read_to_string(&golden).expect("the sizes");
    for (wanted, found) in wanted.lines().zip(found.lines()) {
        assert!(
            near(wanted, found),
            "{found}, but {wanted} was written down: INSTA_UPDATE=always cargo test --test cli sizes writes it again"
        );
    }
    assert_eq!(wanted.lines().count(), found.lines().count());
}

/// Whether two lines are the same, but for 2 % of the flash: compilers of other versions lay out code a little differently.
fn near(wanted: &str, found: &str) -> bool {
    let (wanted, found): (Vec<&str>, Vec<&str>) = (
        wanted.split_whitespace().collect(),
        found.split_whitespace().collect(),
    );
    wanted.len() == found.len()
        && (0..wanted.len()).all(|index| match index.checked_sub(1) {
            Some(before) if wanted[before] == "flash" && !wanted[0].starts_with('#') => {
                let bytes = |text: &str| text.parse::<u64>().expect("a size");
                let (wanted, found) = (bytes(wanted[index]), bytes(found[index]));
                wanted.abs_diff(found) * 50 <= wanted
            }
            _ => wanted[index] == found[index],
        })
}
