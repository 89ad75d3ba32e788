//! A command that is told to end takes with it what it started and what it put aside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Place, cached, hodoscope, json, on_events, test_events};

/// Waits until `done` holds.
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(300);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A program of this name that writes its process id into `started` and stays.
fn pretend(folder: &Path, name: &str, started: &Path) {
    let script = format!(
        "#!/bin/sh\n\
         if [ \"$1\" = --version ]; then echo 'QEMU emulator version 7.2.0'; exit; fi\n\
         sleep 600 &\n\
         echo $! > {0}.part && mv {0}.part {0}\n\
         wait\n",
        started.display()
    );
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(name), script).expect("a script");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join(name), mode).expect("executable");
}

fn is_running(process: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.trim()));
    // One that nobody waits for stays as a zombie.
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn what_was_started_ends_with_the_command() {
    let place = Place::new();
    let model = place.compiled();
    let started = place.path("started");
    let out = place.path("out");
    fs::create_dir(&out).expect("a folder");
    for (name, on, signal) in [
        ("qemu-system-arm", "mps2-an386", Signal::TERM),
        ("cargo", "native", Signal::INT),
    ] {
        let (programs, temporary) = (place.path(name), place.path(on));
        pretend(&programs, name, &started);
        fs::create_dir(&temporary).expect("a folder");
        let mut path = programs.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = cached(on_events("run", &model, &test_events()));
        command.args(["--on", on, "-o"]).arg(out.join("y.npz"));
        command.env("PATH", path).env("TMPDIR", &temporary);
        if name == "cargo" {
            // Nothing is built there.
            command.env("HODOSCOPE_CACHE", place.path("cache"));
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child: Child = command.spawn().expect("the command runs");
        wait("the program starts", || {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("{name}: it ended before, {status}");
            }
            started.is_file()
        });
        let process = fs::read_to_string(&started).expect("an id");
        fs::remove_file(&started).expect("removed");
        assert!(is_running(&process), "{name}");
        // The command alone hears of it, as from a batch system.
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("an id"), signal).expect("a signal");
        let status = child.wait().expect("an end");
        assert_eq!(status.signal(), Some(signal.as_raw()), "{name}: {status}");
        wait(name, || !is_running(&process));
        for folder in [&temporary, &out] {
            let left = fs::read_dir(folder).expect("a folder").count();
            assert_eq!(left, 0, "{name}: {}", folder.display());
        }
    }
}

#[test]
fn the_cache_is_shown_and_removed() {
    let place = Place::new();
    let cache = place.path("cache");
    let command = |options: &[&str]| {
        let mut command = hodoscope();
        command
            .arg("cache")
            .args(options)
            .env("HODOSCOPE_CACHE", &cache);
        command
    };
    assert_eq!(json(&mut command(&[]))["size_bytes"], 0);
    fs::create_dir_all(cache.join("builds/a")).expect("a folder");
    fs::write(cache.join("builds/a/a.elf"), [0; 1000]).expect("a file");
    fs::write(cache.join("mine"), "text").expect("a file");
    assert_eq!(json(&mut command(&["--size"]))["size_bytes"], 1000);
    let removed = json(&mut command(&["--clean"]));
    assert_eq!(
        (&removed["size_bytes"], &removed["removed"]),
        (&1000.into(), &true.into())
    );
    assert!(cache.join("mine").is_file() && !cache.join("builds").exists());
}
