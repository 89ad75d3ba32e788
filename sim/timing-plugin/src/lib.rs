//! Counts the instructions of every inference in QEMU.
//!
//! Loaded as `-plugin FILE,begin=ADDRESS+SIZE,end=ADDRESS+SIZE,out=FILE`, it writes one
//! little-endian u64 for each pass from the begin marker to the end marker, as soon as the pass is
//! over. What counts is written in the module `window`. The figure is the number of executed guest
//! instructions, hence repeatable; it is no latency.
//!
//! QEMU translates guest code in blocks, and asks the plugin about each. A block that is executed
//! adds its instructions to one counter; only the two markers call back.
//!
//! With `paths=FILE` every block calls back, and the plugin also writes which instructions an event
//! executed, one after the other, in the form that the module `path` describes. Whoever reads it has
//! the opcodes from the firmware's file, and prices them with the cost model of a core: so taken
//! branches and neighbours are exact, one run serves every model, and the plugin needs no other
//! crate.

mod api;
mod arguments;
mod path;
mod window;

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use api::{Block, NO_REGISTERS, PluginId};
use arguments::Arguments;
use path::Paths;
use window::{Edge, Markers, Window};

/// Version of QEMU's plugin interface. 1 is taken by QEMU 4.2 to 8.2, 2 by later ones.
// SAFETY: the name is QEMU's and defined once in this library.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = if cfg!(feature = "qemu-9") { 2 } else { 1 };

/// Instructions executed so far, those of the markers excepted.
static EXECUTED: AtomicU64 = AtomicU64::new(0);
static STATE: OnceLock<State> = OnceLock::new();

struct State {
    markers: Markers,
    recording: bool,
    recorder: Mutex<Recorder>,
}

struct Recorder {
    window: Window,
    out: Out,
    paths: Option<(Paths, Out)>,
    /// Where windows open and close; callback data is the index.
    edges: Vec<Planned>,
}

/// An edge in a translated block.
#[derive(Clone, Copy)]
struct Planned {
    /// What the block counts for the edge's instruction and those behind it.
    ahead: u64,
    block: usize,
}

/// A file that complains once.
struct Out {
    file: File,
    failed: bool,
}

impl Out {
    fn create(path: &Path) -> Result<Self, String> {
        let file = File::create(path)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Self {
            file,
            failed: false,
        })
    }

    fn write(&mut self, bytes: &[u8]) {
        if let (Err(error), false) = (self.file.write_all(bytes), self.failed) {
            self.failed = true;
            say(&format!("cannot write counts: {error}"));
        }
    }
}

/// Called by QEMU when it loads the plugin; a result other than 0 ends QEMU.
///
/// # Safety
/// `argv` holds `argc` valid C strings, as QEMU passes them.
// SAFETY: the name is QEMU's and defined once in this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: PluginId,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let count = usize::try_from(argc).unwrap_or(0);
    let arguments: Vec<String> = (0..count)
        .map(|index| {
            // SAFETY: by this function's contract `argv` has `argc` strings, each ended by a zero.
            let text = unsafe { CStr::from_ptr(*argv.add(index)) };
            text.to_string_lossy().into_owned()
        })
        .collect();
    match install(&arguments) {
        Ok(()) => {
            // SAFETY: QEMU gave `id` for this call; the callback is a function of this library,
            // which stays loaded.
            unsafe { api::qemu_plugin_register_vcpu_tb_trans_cb(id, translated) };
            0
        }
        Err(message) => {
            say(&message);
            1
        }
    }
}

fn install(arguments: &[String]) -> Result<(), String> {
    let arguments = Arguments::parse(arguments.iter().map(String::as_str))?;
    let paths = match &arguments.paths {
        Some(path) => Some((Paths::default(), Out::create(path)?)),
        None => None,
    };
    let state = State {
        markers: Markers {
            begin: arguments.begin,
            end: arguments.end,
        },
        recording: paths.is_some(),
        recorder: Mutex::new(Recorder {
            window: Window::default(),
            out: Out::create(&arguments.out)?,
            paths,
            edges: Vec::new(),
        }),
    };
    STATE
        .set(state)
        .map_err(|_| "it is loaded twice".to_owned())
}

extern "C" fn translated(_id: PluginId, block: *mut Block) {
    let Some(state) = STATE.get() else { return };
    // SAFETY: QEMU passes a valid block, valid until this function returns; indices below its
    // number of instructions are valid, and so are the instructions that they give.
    let addresses: Vec<u64> = unsafe {
        (0..api::qemu_plugin_tb_n_insns(block))
            .map(|index| api::qemu_plugin_insn_vaddr(api::qemu_plugin_tb_get_insn(block, index)))
            .collect()
    };
    let plan = state.markers.plan(&addresses);
    if plan.counted > 0 {
        count(block, plan.counted);
    }
    let mut number = 0;
    if state.recording {
        with_recorder(|recorder| {
            if let Some((paths, out)) = &mut recorder.paths {
                let mut bytes = Vec::new();
                number = paths.block(&addresses, &mut bytes);
                out.write(&bytes);
            }
        });
        // SAFETY: the block is valid, being under translation. The data is a number, never
        // followed.
        unsafe {
            api::qemu_plugin_register_vcpu_tb_exec_cb(
                block,
                entered,
                NO_REGISTERS,
                as_data(number as u64),
            );
        }
    }
    for (index, edge, ahead) in plan.edges {
        let callback = match edge {
            Edge::Begin => begun,
            Edge::End => ended,
        };
        let mut planned = 0;
        with_recorder(|recorder| {
            planned = recorder.edges.len() as u64;
            recorder.edges.push(Planned {
                ahead,
                block: number,
            });
        });
        // SAFETY: block and instruction as above. The data is a number, never followed.
        unsafe {
            api::qemu_plugin_register_vcpu_insn_exec_cb(
                api::qemu_plugin_tb_get_insn(block, index),
                callback,
                NO_REGISTERS,
                as_data(planned),
            );
        }
    }
}

#[cfg(not(feature = "qemu-9"))]
fn count(block: *mut Block, instructions: u64) {
    // SAFETY: the block is valid, being under translation. The counter is a static of eight bytes
    // that may be written through a pointer; the one virtual processor writes it, and callbacks
    // read it on that processor's thread.
    unsafe {
        api::qemu_plugin_register_vcpu_tb_exec_inline(
            block,
            api::ADD_U64,
            EXECUTED.as_ptr().cast(),
            instructions,
        );
    }
}

#[cfg(feature = "qemu-9")]
fn count(block: *mut Block, instructions: u64) {
    extern "C" fn executed(_processor: c_uint, instructions: *mut c_void) {
        EXECUTED.fetch_add(instructions.addr() as u64, Ordering::Relaxed);
    }
    // SAFETY: the block is valid, being under translation; the data is a number, never followed.
    unsafe {
        api::qemu_plugin_register_vcpu_tb_exec_cb(
            block,
            executed,
            NO_REGISTERS,
            as_data(instructions),
        );
    }
}

/// A block is about to be executed. Outside of a window that changes nothing.
extern "C" fn entered(_processor: c_uint, block: *mut c_void) {
    with_recorder(|recorder| {
        if let Some((paths, _)) = &mut recorder.paths {
            paths.execute(block.addr());
        }
    });
}

extern "C" fn begun(_processor: c_uint, edge: *mut c_void) {
    with_recorder(|recorder| {
        let Some(&edge) = recorder.edges.get(edge.addr()) else {
            return;
        };
        recorder.window.open(reading(edge.ahead));
        if let Some((paths, _)) = &mut recorder.paths {
            paths.open(edge.block);
        }
    });
}

extern "C" fn ended(_processor: c_uint, edge: *mut c_void) {
    with_recorder(|recorder| {
        let Some(&edge) = recorder.edges.get(edge.addr()) else {
            return;
        };
        let Some(instructions) = recorder.window.close(reading(edge.ahead)) else {
            return;
        };
        if let Some((paths, out)) = &mut recorder.paths {
            let mut bytes = Vec::new();
            paths.close(&mut bytes);
            out.write(&bytes);
        }
        recorder.out.write(&instructions.to_le_bytes());
    });
}

fn with_recorder(action: impl FnOnce(&mut Recorder)) {
    if let Some(state) = STATE.get() {
        let mut recorder = state
            .recorder
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        action(&mut recorder);
    }
}

/// The counter, without what the present block has yet to execute.
fn reading(ahead: u64) -> u64 {
    EXECUTED.load(Ordering::Relaxed).wrapping_sub(ahead)
}

/// A small number in the shape of callback data.
fn as_data(value: u64) -> *mut c_void {
    core::ptr::without_provenance_mut(value as usize)
}

fn say(message: &str) {
    eprintln!("hodoscope timing plugin: {message}");
}
