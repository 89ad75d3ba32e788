// Runs a UF2 file on an emulated RP2040, its UART 0 on standard input and output.
//
// It does what the boot ROM does with flash: the first 256 bytes are checked, copied to the end of RAM and entered. `rp2040js` (MIT) is
// found in $HODOSCOPE_NODE, or where `cargo xtask setup` puts it, or where Node finds it.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(3);
}

function emulator() {
  const cache = process.env.XDG_CACHE_HOME || path.join(process.env.HOME || '', '.cache');
  const places = [process.env.HODOSCOPE_NODE, path.join(cache, 'hodoscope/node')];
  for (const place of places.filter(Boolean)) {
    const there = path.join(place, 'node_modules/rp2040js');
    if (fs.existsSync(there)) return require(there);
  }
  try {
    return require('rp2040js');
  } catch {
    return fail(`rp2040js is not installed; run: npm install --prefix ${places[places.length - 1]} rp2040js@1.4.1`);
  }
}

const FLASH = 0x10000000;
const BOOT2 = 0x20041f00;

/** Puts the blocks of a UF2 file into flash. */
function load(file, flash) {
  const uf2 = fs.readFileSync(file);
  for (let at = 0; at < uf2.length; at += 512) {
    const magic = [uf2.readUInt32LE(at), uf2.readUInt32LE(at + 4), uf2.readUInt32LE(at + 508)];
    if (magic[0] !== 0x0a324655 || magic[1] !== 0x9e5d5157 || magic[2] !== 0x0ab16f30) fail(`${file}: no UF2 block at ${at}`);
    if (uf2.readUInt32LE(at + 28) !== 0xe48bff56) fail(`${file}: not for an RP2040`);
    const address = uf2.readUInt32LE(at + 12);
    flash.set(uf2.subarray(at + 32, at + 32 + uf2.readUInt32LE(at + 16)), address - FLASH);
  }
}

/** The boot ROM's check sum of the second stage: CRC-32 of MPEG-2. */
function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
  }
  return sum >>> 0;
}

const { RP2040, ConsoleLogger, LogLevel } = emulator();
const mcu = new RP2040();
mcu.logger = new ConsoleLogger(LogLevel.Error, true);

function boot() {
  mcu.reset();
  load(process.argv[2], mcu.flash);
  if (crc(mcu.flash.subarray(0, 252)) !== mcu.flashView.getUint32(252, true)) fail('the second stage of the boot has a wrong check sum');
  for (let i = 0; i < 256; i++) mcu.sram[BOOT2 - 0x20000000 + i] = mcu.flash[i];
  mcu.core.SP = BOOT2;
  // The second stage goes on to the vector table in flash.
  mcu.core.LR = 0;
  mcu.core.PC = BOOT2;
}
boot();

const uart = mcu.uart[0];
const input = [];
let next = 0;
const output = [];
let closed = false;
process.stdin.on('data', (chunk) => input.push(...chunk));
process.stdin.on('end', () => { closed = true; });
uart.onByte = (byte) => output.push(byte);

// SYSRESETREQ: the end of an emulated board, after Shutdown.
const AIRCR = 0xe000ed0c;
const write = mcu.writeUint32.bind(mcu);
let ended = false;
mcu.writeUint32 = (address, value) => {
  if (address >>> 0 === AIRCR && (value & 4)) ended = true;
  else write(address, value);
};

const CYCLE = 1e9 / 125e6;
function run() {
  const { core, clock } = mcu;
  for (let i = 0; i < 200000 && !ended; i++) {
    // A byte takes ten bits of the line's time.
    if (input.length > 0 && clock.nanos >= next && uart.rxEnabled && uart.enabled && !uart.rxFIFO.full) {
      uart.feedByte(input.shift());
      next = clock.nanos + 1e10 / uart.baudRate;
    }
    // An interrupt that is pending already lets WFI pass, as the architecture says; the emulator would sleep.
    if (core.waiting && (core.pendingInterrupts & core.enabledInterrupts)) core.waiting = false;
    if (core.waiting) {
      if (input.length === 0) break;
      clock.tick(Math.max(next - clock.nanos, CYCLE));
    } else {
      clock.tick(core.executeInstruction() * CYCLE);
    }
  }
  if (output.length > 0) fs.writeSync(1, Buffer.from(output.splice(0)));
  if (ended || (closed && input.length === 0 && mcu.core.waiting)) process.exit(0);
  setTimeout(run, mcu.core.waiting && input.length === 0 ? 1 : 0);
}
run();
