//! `hodoscope package`: what its libraries hold, and that models in one process give the interpreter's bits.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{InputId, Program};
use hodoscope_sim::encode::Events;
use object::elf::{self, FileHeader64};
use object::read::archive::ArchiveFile;
use object::read::elf::{FileHeader as _, Sym as _};
use object::{Endianness, Object as _, ObjectSymbol as _};
use serde_json::Value;

use super::{Place, cached, compile, fails, hodoscope, models, succeeds};

mod checked;

/// Name of the package, model, and options of `compile`: two versions of one model, and two others.
const MODELS: [(&str, &str, &[&str]); 4] = [
    ("pfn-qg", "pfn-qg", &[]),
    ("pfn-qg", "pfn-qg", &["--activations", "16"]),
    ("ae-qcd", "ae-qcd", &[]),
    ("efn-top", "efn-top", &[]),
];

/// Events of each model: more than 10^5 in all.
const EVENTS: usize = 26_000;

/// A package, and a folder of events for it.
struct Packaged {
    package: PathBuf,
    folder: PathBuf,
    about: Value,
}

impl Packaged {
    fn text(&self, key: &str) -> &str {
        self.about[key].as_str().expect(key)
    }

    fn shared(&self) -> PathBuf {
        self.package.join("lib").join(self.text("shared_library"))
    }

    fn archive(&self) -> PathBuf {
        self.package.join("lib").join(self.text("static_library"))
    }

    fn description(&self) -> PathBuf {
        let name = format!("{}.json", self.text("name"));
        self.package.join("share/hodoscope").join(name)
    }

    /// Says which library and which function the driver loads.
    fn loads(&self, library: &Path, symbol: &str) {
        let text = format!("{}\n{symbol}\n", library.display());
        fs::write(self.folder.join("library"), text).expect("a file");
    }
}

#[test]
fn models_in_one_process_give_the_interpreters_bits() {
    let place = Place::new();
    let of = |(index, model)| {
        // Bits do not depend on the processor: one of them is for those with AVX2, where this is one.
        let options: &[&str] = match index == 3 && has_avx2() {
            true => &["--cpu", "x86-64-v3"],
            false => &[],
        };
        packaged(&place, index, model, options, EVENTS)
    };
    let all: Vec<Packaged> = MODELS.iter().enumerate().map(of).collect();
    let symbols: BTreeSet<&str> = all.iter().map(|own| own.text("symbol")).collect();
    assert_eq!(symbols.len(), all.len(), "a symbol for each program");
    for own in &all {
        check_shared(&own.shared(), own.text("symbol"));
        check_archive(&own.archive(), own.text("symbol"));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/package");
    let include = |own: &Packaged| format!("-I{}", own.package.join("include").display());
    let folders = || all.iter().map(|own| &own.folder);

    // Shared libraries, loaded globally.
    let driver = place.path("driver");
    run(Command::new("gcc")
        .args(["-O1", "-Wall", "-Werror", "-o"])
        .arg(&driver)
        .arg(include(&all[0]))
        .arg(source.join("driver.c"))
        .args(["-lpthread", "-ldl", "-lm"]));
    for own in &all {
        own.loads(&own.shared(), own.text("symbol"));
    }
    let told = run(Command::new(&driver).args(folders()));
    assert_eq!(told, "104000 events, 0 different\n");

    // Plug-ins in C++, each with a static library in it and all with the same functions.
    let mut weak = BTreeSet::new();
    for (index, own) in all.iter().enumerate() {
        let plugin = place.path(&format!("plugin{index}.so"));
        let name = own.text("name");
        run(Command::new("g++")
            .args([
                "-std=c++17",
                "-O0",
                "-Wall",
                "-Werror",
                "-shared",
                "-fPIC",
                "-o",
            ])
            .arg(&plugin)
            .arg(format!("-DHEADER=<hodoscope/{name}.hpp>"))
            .arg(format!("-DMODEL={}", name.replace('-', "_")))
            .arg(include(own))
            .arg(source.join("plugin.cpp"))
            .arg(own.archive()));
        own.loads(&plugin, "plugin_table");
        for name in weak_symbols(&plugin) {
            assert!(
                weak.insert(name.clone()),
                "{name} is shared by two plug-ins"
            );
        }
    }
    let told = run(Command::new(&driver).args(folders()));
    assert_eq!(told, "104000 events, 0 different\n");

    // All static libraries in one executable, without flags of the linker.
    let names: Vec<&str> = all.iter().map(|own| own.text("symbol")).collect();
    let declared: Vec<String> = names
        .iter()
        .map(|name| format!("const hodoscope_table *{name}(void);\n"))
        .collect();
    let table = place.path("linked.c");
    let text = format!(
        "#include <hodoscope/emulator.h>\n{}const hodoscope_table *(*const linked[])(void) = {{{}}};\n",
        declared.concat(),
        names.join(", ")
    );
    fs::write(&table, text).expect("a file");
    let linked = place.path("linked");
    run(Command::new("gcc")
        .args(["-O1", "-Wall", "-Werror", "-DLINKED", "-o"])
        .arg(&linked)
        .arg(include(&all[0]))
        .arg(source.join("driver.c"))
        .arg(&table)
        .args(all.iter().map(Packaged::archive))
        .args(["-lpthread", "-lm"]));
    let told = run(Command::new(&linked).args(folders()));
    assert_eq!(told, "104000 events, 0 different\n");

    // Python.
    let mut python = Command::new("python3");
    python
        .arg(source.join("in_turn.py"))
        .arg(examples().join("python/score.py"));
    for own in &all {
        python.arg(own.description()).arg(&own.folder);
    }
    assert_eq!(run(&mut python), "104000 events, 0 different\n");
}

#[test]
fn examples_build_with_cmake_and_pkg_config_and_agree() {
    let place = Place::new();
    let model = place.compiled();
    let package = place.path("package");
    succeeds(
        cached(hodoscope())
            .arg("package")
            .arg(&model)
            .arg("-o")
            .arg(&package),
    );

    let built = |name: &str| {
        let build = place.path(name);
        let mut configure = Command::new("cmake");
        configure
            .arg("-S")
            .arg(examples().join(name))
            .arg("-B")
            .arg(&build);
        configure.arg(format!("-DCMAKE_PREFIX_PATH={}", package.display()));
        run(&mut configure);
        run(Command::new("cmake").arg("--build").arg(&build));
        build
    };
    let c = run(&mut Command::new(built("c").join("score")));
    let plugin = built("plugin");
    let cpp = run(Command::new(plugin.join("framework")).arg(plugin.join("libtagger.so")));
    let python = run(Command::new("python3")
        .arg(examples().join("python/score.py"))
        .arg(package.join("share/hodoscope/pfn-qg.json")));
    let score = |text: &str| {
        let (_, score) = text.split_once("score ").expect("a score");
        score.split([',', '\n']).next().map(str::to_owned)
    };
    assert_eq!(score(&c), score(&cpp), "{c}{cpp}");
    assert_eq!(score(&c), score(&python), "{c}{python}");

    // As a build without CMake does it, with the shared library.
    let flags = run(Command::new("pkg-config")
        .args(["--cflags", "--libs", "hodoscope-pfn-qg"])
        .env("PKG_CONFIG_PATH", package.join("lib/pkgconfig")));
    let program = place.path("with-pkg-config");
    let flags = flags.replace('"', "");
    run(Command::new("gcc")
        .arg(examples().join("c/score.c"))
        .args(flags.split_whitespace())
        .arg("-o")
        .arg(&program));
    let shared = run(Command::new(&program).env("LD_LIBRARY_PATH", package.join("lib")));
    assert_eq!(shared, c);

    let licences = package.join("share/licenses/hodoscope-pfn-qg");
    let list = fs::read_to_string(licences.join("LICENSES")).expect("a list");
    assert!(list.contains("\nheapless 0."), "{list}");
    assert!(licences.join("LICENSE-MIT").is_file());

    // What is there is not replaced unless that is asked for, and never what somebody else put there.
    let again = || {
        let mut command = cached(hodoscope());
        command.arg("package").arg(&model).arg("-o").arg(&package);
        command
    };
    fails(&mut again(), 2, &["--force replaces it"]);
    succeeds(again().arg("--force"));
    fs::write(package.join("lib/notes.txt"), "mine").expect("a file");
    fails(again().arg("--force"), 2, &["lib/notes.txt"]);
    fails(
        again().args(["--name", "9 lives"]),
        2,
        &["`9 lives` is no name"],
    );
    fails(
        again().args(["--target", "thumbv6m-none-eabi"]),
        2,
        &["x86_64-unknown-linux-gnu"],
    );
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/emulator")
}

/// Runs a program that must succeed, and returns what it printed.
fn run(command: &mut Command) -> String {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|error| {
        panic!("{program}: {error}. gcc, g++ and Python are what this project asks for; `cargo xtask setup` installs the rest")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {told}{errors}");
    told
}

/// Compiles a model, packages it with options, and writes random events with the raws of the interpreter.
fn packaged(
    place: &Place,
    index: usize,
    (name, model, options): &(&str, &str, &[&str]),
    packaging: &[&str],
    events: usize,
) -> Packaged {
    let own = models().join(model);
    let dir = place.path(&format!("model{index}"));
    let mut command = compile(&own.join("model.onnx"), &own.join("calibration.npz"), &dir);
    succeeds(command.arg("--accept-loss").args(*options));
    let package = place.path(&format!("package{index}"));
    let mut command = cached(hodoscope());
    command.args(["package", "--name", name]).arg(&dir);
    succeeds(command.args(packaging).arg("-o").arg(&package));
    let about =
        fs::read(package.join(format!("share/hodoscope/{name}.json"))).expect("a description");
    let folder = place.path(&format!("events{index}"));
    fs::create_dir(&folder).expect("a folder");
    let program = fs::read_to_string(dir.join("program.txt")).expect("a program");
    let program = Program::from_text(&program).expect("a program");
    write_events(&program, &folder, events, index as u64);
    Packaged {
        package,
        folder,
        about: serde_json::from_slice(&about).expect("JSON"),
    }
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Random words, also beyond the fields' ranges, holes in sets and more constituents than are computed.
fn write_events(program: &Program, folder: &Path, events: usize, seed: u64) {
    let capacity = program.sets.first().map_or(0, |set| set.capacity);
    let multiplicities: Vec<usize> = (0..events)
        .map(|event| event * 7 % (capacity + 5))
        .collect();
    let events = Events::synthetic(program, &multiplicities, seed);
    let interpreter = Interpreter::new(program).expect("a program that verifies");
    let mut words = vec![Vec::new(); program.inputs.len()];
    let (mut raws, mut offsets) = (Vec::new(), vec![0u8; 8]);
    let mut rows = 0;
    for (event, multiplicity) in multiplicities.iter().enumerate() {
        let mut inputs = Vec::new();
        for (index, input) in program.inputs.iter().enumerate() {
            let mut own = events.words(event, InputId::new(index)).to_vec();
            for (place, word) in own.iter_mut().enumerate() {
                match (event + 13 * place) % 41 {
                    0 => *word = i64::from(i32::MAX),
                    1 => *word = i64::from(i32::MIN),
                    2 => *word = input.field(place % input.channels).empty,
                    _ => {}
                }
            }
            words[index].extend(own.iter().flat_map(|word| (*word as i32).to_le_bytes()));
            inputs.push(own);
        }
        let outputs = interpreter.run(&Event { inputs }).expect("an event");
        raws.extend(outputs.concat().iter().flat_map(|raw| raw.to_le_bytes()));
        rows += *multiplicity as i64 * i64::from(capacity > 0);
        offsets.extend(rows.to_le_bytes());
    }
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).expect("a file");
    for (index, words) in words.iter().enumerate() {
        write(&format!("words{index}"), words);
    }
    write("offsets", &offsets);
    write("raws", &raws);
    // Values near the borders between words, tiny ones, and large ones.
    let input = &program.inputs[0];
    let (mut values, mut valued) = (Vec::new(), Vec::new());
    for index in 0..20_000i64 {
        let field = input.field(index as usize % input.channels);
        let near = ((index % 5_001) as f64 - 2_500.5) * field.lsb.0;
        let value = match index % 7 {
            0 => near,
            1 => f64::from_bits(near.to_bits() + 1),
            2 => f64::from_bits(near.to_bits() - 1),
            3 => near * 1e-320,
            4 => near * 1e12,
            5 => near + 0.2 * field.lsb.0,
            _ => -0.5 * field.lsb.0,
        };
        let word = field.encode(value).expect("a finite value").word;
        values.extend(value.to_le_bytes());
        valued.extend((word as i32).to_le_bytes());
    }
    write("values", &values);
    write("valued", &valued);
}

/// What libc offers to everybody, and where panics end.
const FROM_LIBC: [&str; 6] = ["abort", "bcmp", "memcmp", "memcpy", "memmove", "memset"];

/// A shared library exports the one symbol, and takes nothing newer than glibc 2.17.
fn check_shared(path: &Path, symbol: &str) {
    let bytes = fs::read(path).expect("a library");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let (defined, undefined): (Vec<_>, Vec<_>) = file
        .dynamic_symbols()
        .partition(|symbol| symbol.is_definition());
    let names: Vec<&str> = defined
        .iter()
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    assert_eq!(names, [symbol], "{}", path.display());
    for symbol in undefined {
        let name = symbol.name().expect("a name");
        assert!(FROM_LIBC.contains(&name), "{}: {name}", path.display());
    }
    let header = FileHeader64::<Endianness>::parse(&*bytes).expect("an ELF file");
    let endian = header.endian().expect("an endianness");
    let sections = header.sections(endian, &*bytes).expect("sections");
    let versions = sections.versions(endian, &*bytes).expect("versions");
    let needed = versions.iter().flat_map(|table| {
        (2..64).filter_map(move |index| table.version(elf::VersionIndex(index)).ok().flatten())
    });
    let mut any = false;
    for version in needed {
        let name = String::from_utf8_lossy(version.name()).into_owned();
        let number = name
            .strip_prefix("GLIBC_")
            .unwrap_or_else(|| panic!("{name}"));
        let mut parts = number
            .split('.')
            .map(|part| part.parse::<u32>().expect("a number"));
        let version = (parts.next(), parts.next().unwrap_or(0));
        assert!(version <= (Some(2), 17), "{}: {name}", path.display());
        any = true;
    }
    assert!(any, "{}: versions were not found", path.display());
}

/// A static library defines the one symbol.
fn check_archive(path: &Path, symbol: &str) {
    let bytes = fs::read(path).expect("an archive");
    let archive = ArchiveFile::parse(&*bytes).expect("an archive");
    let members: Vec<_> = archive
        .members()
        .map(|member| member.expect("a member"))
        .collect();
    assert_eq!(members.len(), 1);
    let object = members[0].data(&*bytes).expect("an object");
    let object = object::File::parse(object).expect("an object");
    let global = object
        .symbols()
        .filter(|symbol| symbol.is_global() && symbol.is_definition());
    let names: Vec<&str> = global.filter_map(|symbol| symbol.name().ok()).collect();
    assert_eq!(names, [symbol], "{}", path.display());
    for symbol in object.symbols().filter(|symbol| symbol.is_undefined()) {
        let name = symbol.name().expect("a name");
        assert!(
            name.is_empty() || FROM_LIBC.contains(&name),
            "{}: {name}",
            path.display()
        );
    }
}

/// Weak symbols that a library defines and exports.
fn weak_symbols(path: &Path) -> Vec<String> {
    let bytes = fs::read(path).expect("a library");
    let header = FileHeader64::<Endianness>::parse(&*bytes).expect("an ELF file");
    let endian = header.endian().expect("an endianness");
    let sections = header.sections(endian, &*bytes).expect("sections");
    let symbols = sections
        .symbols(endian, &*bytes, elf::SHT_DYNSYM)
        .expect("symbols");
    let weak = symbols
        .iter()
        .filter(|symbol| symbol.st_bind() == elf::STB_WEAK && !symbol.is_undefined(endian));
    weak.map(|symbol| {
        let name = symbols.symbol_name(endian, symbol).expect("a name");
        String::from_utf8_lossy(name).into_owned()
    })
    .collect()
}
