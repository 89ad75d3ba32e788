//! Boards of the user's own, outside of the repository.

use std::fs;

use crate::*;

/// A folder of boards with one in it, `crate-detector`: the facts of `virt-rv32` under a name of its own.
fn own_boards(place: &Place) -> PathBuf {
    let boards = place.path("boards");
    let folder = boards.join("crate-detector");
    fs::create_dir_all(&folder).expect("a directory");
    let facts = Path::new(env!("CARGO_MANIFEST_DIR")).join("boards/virt-rv32");
    let text = fs::read_to_string(facts.join("board.toml")).expect("a board");
    let text = text.replace("name = \"virt-rv32\"", "name = \"crate-detector\"");
    fs::write(folder.join("board.toml"), text).expect("a file");
    fs::copy(facts.join("memory.x"), folder.join("memory.x")).expect("a script");
    boards
}

#[test]
fn a_board_of_the_users_own_is_listed_by_option_and_by_variable() {
    let place = Place::new();
    let boards = own_boards(&place);
    let named = |command: &mut Command| {
        let listed = json(command.arg("boards"));
        let boards = listed["boards"].as_array().expect("boards").clone();
        boards.iter().any(|board| board["name"] == "crate-detector")
    };
    assert!(!named(&mut hodoscope()));
    assert!(named(hodoscope().arg("--boards").arg(&boards)));
    assert!(named(hodoscope().env("HODOSCOPE_BOARDS", &boards)));
    // The board's own folder will do.
    assert!(named(
        hodoscope()
            .arg("--boards")
            .arg(boards.join("crate-detector"))
    ));
}

#[test]
fn a_board_of_the_users_own_runs_what_is_compiled_for_it() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some() {
        eprintln!("SKIPPED: there is no QEMU, and that was allowed");
        return;
    }
    let place = Place::new();
    let boards = own_boards(&place);
    let dir = place.path("model");
    let mut own = compile(&model(), &calibration(), &dir);
    succeeds(
        own.args(["--board", "crate-detector", "--boards"])
            .arg(&boards),
    );
    let mut verify = cached(on_events("verify", &dir, &test_events()));
    verify.args(["--on", "crate-detector", "--boards"]);
    let report = json(verify.arg(&boards));
    assert_eq!(report["targets"][0]["bits_different"], 0, "{report}");
}

#[test]
fn what_is_no_folder_of_boards_is_refused() {
    let place = Place::new();
    let boards = own_boards(&place);
    let file = boards.join("crate-detector/board.toml");
    let listed = || {
        let mut command = hodoscope();
        command.arg("boards").arg("--boards").arg(&boards);
        command
    };
    let right = fs::read_to_string(&file).expect("a board");
    let wrong = right.replace("isa = \"rv32im\"", "isa = \"rv32-im\"");
    fs::write(&file, wrong).expect("a file");
    fails(
        &mut listed(),
        2,
        &[
            "crate-detector/board.toml",
            "core.isa",
            "`rv32-im`",
            "rv32im",
        ],
    );
    fs::rename(boards.join("crate-detector"), boards.join("native")).expect("a folder");
    fails(&mut listed(), 2, &["--boards", "brings a board `native`"]);
    fs::remove_dir_all(boards.join("native")).expect("a folder");
    fails(
        &mut listed(),
        2,
        &["--boards", "no folder in it holds a board.toml"],
    );
    fs::remove_dir_all(&boards).expect("a folder");
    fails(&mut listed(), 2, &["--boards", "it cannot be read"]);
}
