//! QEMU's plugin interface, as far as it is used. The shapes are those of `qemu-plugin.h`, which
//! distributions do not package.

use core::ffi::{c_int, c_uint, c_void};

/// QEMU's name for a loaded plugin.
pub type PluginId = u64;

/// Called when a block is translated.
pub type TranslationCallback = extern "C" fn(PluginId, *mut Block);
/// Called when a block or an instruction is about to be executed.
pub type ExecutionCallback = extern "C" fn(c_uint, *mut c_void);

/// A translation block: valid during the translation callback.
#[repr(C)]
pub struct Block {
    _opaque: [u8; 0],
}

/// A guest instruction of a [`Block`], and as short-lived.
#[repr(C)]
pub struct Instruction {
    _opaque: [u8; 0],
}

/// `QEMU_PLUGIN_CB_NO_REGS`: the callback reads no guest register.
pub const NO_REGISTERS: c_int = 0;
/// `QEMU_PLUGIN_INLINE_ADD_U64`.
#[cfg(not(feature = "qemu-9"))]
pub const ADD_U64: c_int = 0;

unsafe extern "C" {
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(id: PluginId, callback: TranslationCallback);
    pub fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    pub fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Instruction;
    pub fn qemu_plugin_insn_vaddr(instruction: *const Instruction) -> u64;
    #[cfg(not(feature = "qemu-9"))]
    pub fn qemu_plugin_register_vcpu_tb_exec_inline(
        block: *mut Block,
        operation: c_int,
        counter: *mut c_void,
        immediate: u64,
    );
    pub fn qemu_plugin_register_vcpu_tb_exec_cb(
        block: *mut Block,
        callback: ExecutionCallback,
        flags: c_int,
        data: *mut c_void,
    );
    pub fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut Instruction,
        callback: ExecutionCallback,
        flags: c_int,
        data: *mut c_void,
    );
}
