//! The boards' facts agree with each other, and with what they name.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn boards() -> Vec<(String, Table)> {
    let mut boards: Vec<_> = fs::read_dir(root().join("boards"))
        .expect("the repository has boards")
        .map(|entry| entry.expect("the folder can be read"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| {
            let text = fs::read_to_string(entry.path().join("board.toml")).expect("board.toml");
            let name = entry.file_name().into_string().expect("UTF-8");
            (name, text.parse().expect("TOML"))
        })
        .collect();
    boards.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(boards.len() >= 3);
    boards
}

#[test]
fn names_and_apps_exist() {
    for (folder, board) in boards() {
        assert_eq!(board["name"].as_str(), Some(&*folder));
        assert_eq!(board["schema"].as_integer(), Some(1));
        let app = board["build"]["app"].as_str().expect("a string");
        let library = root().join("firmware/apps").join(app).join("src/lib.rs");
        assert!(library.is_file(), "{folder} names the app {app}");
        assert!(
            root()
                .join("boards")
                .join(&folder)
                .join("README.md")
                .is_file(),
            "{folder} has a README"
        );
    }
}

/// `12`, `0x80000000`, `16M` and `4K`, as linker scripts write them.
fn number(text: &str) -> i64 {
    let (digits, unit) = match text.strip_suffix(['K', 'M']) {
        Some(digits) if text.ends_with('K') => (digits, 1 << 10),
        Some(digits) => (digits, 1 << 20),
        None => (text, 1),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    unit * value.expect("a number")
}

#[test]
fn the_memory_map_is_that_of_the_linker() {
    for (folder, board) in boards() {
        let Some(memory) = board.get("memory").and_then(Value::as_table) else {
            assert_eq!(board["kind"].as_str(), Some("host"), "{folder}");
            continue;
        };
        let script = fs::read_to_string(root().join("boards").join(&folder).join("memory.x"))
            .expect("memory.x");
        for (region, facts) in memory {
            let line = script
                .lines()
                .map(str::trim)
                .find(|line| line.starts_with(&region.to_uppercase()))
                .unwrap_or_else(|| panic!("{folder}: memory.x has no {region}"));
            let value = |key: &str| {
                let (_, rest) = line.split_once(key).expect("the key is there");
                let value = rest.trim_start_matches([' ', '=']);
                number(value.split([',', ' ']).next().unwrap_or_default())
            };
            assert_eq!(
                facts["origin"].as_integer(),
                Some(value("ORIGIN")),
                "{folder}: origin of {region}"
            );
            assert_eq!(
                facts["bytes"].as_integer(),
                Some(value("LENGTH")),
                "{folder}: length of {region}"
            );
        }
    }
}
