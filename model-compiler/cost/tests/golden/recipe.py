"""Writes the golden tables of the decoders from what Capstone says (`pip install capstone==5.0.7`).

    python recipe.py

thumb16.txt, riscv16.txt: every half-word, as runs `FIRST LAST CLASS`; of RISC-V in steps of 4, as the lower bits are the
quadrant.
thumb32.txt, riscv32.txt: `ENCODING CLASS MOVED READS WRITES OFFSET` of encodings that a seeded generator made,
at most a few of each mnemonic.
"""

import random
from pathlib import Path

import capstone
from capstone import arm, riscv

HERE = Path(__file__).parent
PER_MNEMONIC = 6

ARM = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
ARM.detail = True
RV = capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC)
RV.detail = True

CONDITIONS = "eq ne hs lo mi pl vs vc hi ls ge lt gt le".split()


def thumb_class(i):
    m = i.mnemonic.split(".")[0]
    f = i.mnemonic
    pc = any(o.type == arm.ARM_OP_REG and o.reg == arm.ARM_REG_PC for o in i.operands)
    if m.startswith("v"):
        if m in ("vldr",):
            return "load"
        if m in ("vstr",):
            return "store"
        if m.startswith("vldm") or m == "vpop":
            return "load-multiple"
        if m.startswith("vstm") or m == "vpush":
            return "store-multiple"
        return "float"
    if m in ("b",):
        return "jump"
    if m in ("cbz", "cbnz") or (m[0] == "b" and m[1:] in CONDITIONS):
        return "branch-not-taken"
    if m == "bl":
        return "call"
    if m == "blx":
        return "call-register"
    if m == "bx":
        return "jump-register"
    if m in ("tbb", "tbh"):
        return "table-branch"
    if m.startswith("it") and set(m[1:]) <= set("te"):
        return "if-then"
    if m in ("pop",) or m.startswith("ldm"):
        return "load-pc" if pc else "load-multiple"
    if m == "push" or m.startswith("stm"):
        return "store-multiple"
    if m == "ldrd":
        return "load-double"
    if m == "strd":
        return "store-double"
    if m.startswith("ldr") or m in ("lda", "ldab", "ldah", "ldaex", "ldaexb", "ldaexh"):
        if m == "ldr" and i.operands[0].reg == arm.ARM_REG_PC:
            return "load-pc"
        return "load"
    if m.startswith("pld") or m.startswith("pli"):
        return "alu"
    if m.startswith("strex") or m in ("stl", "stlb", "stlh", "stlex", "stlexb", "stlexh"):
        return "store"
    if m.startswith("str"):
        memory = [o for o in i.operands if o.type == arm.ARM_OP_MEM][0]
        return "store-indexed" if memory.mem.index else "store"
    if m in ("mul", "muls"):
        return "multiply"
    if m in ("mla", "mls"):
        return "multiply-accumulate"
    if m in ("smull", "umull"):
        return "multiply-long"
    if m.startswith(("smlal", "smlsld")) or m in ("umlal", "umaal"):
        return "multiply-accumulate-long"
    if m in ("sdiv", "udiv"):
        return "divide"
    if m.startswith(("smla", "smls", "smmla", "smmls", "usada8")):
        return "multiply-accumulate"
    if m.startswith(("smul", "smuad", "smusd", "smmul", "usad8")):
        return "multiply"
    if m in ("lsl", "lsr", "asr", "ror", "rrx", "lsls", "lsrs", "asrs", "rors", "rrxs"):
        return "shift"
    if m in ("mrs", "msr", "dmb", "dsb", "isb", "svc", "bkpt", "cps", "cpsie", "cpsid", "wfi", "wfe", "sev", "sevl",
             "yield", "clrex", "dbg", "hint", "hlt", "udf", "csdb", "esb", "tsb", "sb"):
        return "system"
    if m in ("mov", "add") and i.operands[0].type == arm.ARM_OP_REG and i.operands[0].reg == arm.ARM_REG_PC:
        return "jump-register"
    return "alu"


def riscv_class(i):
    m = i.mnemonic
    name = m[2:] if m.startswith("c.") else m
    if name in ("addi", "add", "sub", "and", "or", "xor", "andi", "ori", "xori", "li", "lui", "mv", "nop", "addi4spn",
                "addi16sp", "slt", "sltu", "slti", "sltiu", "auipc", "not", "neg", "seqz", "snez", "sltz", "sgtz"):
        return "alu"
    if name in ("sll", "srl", "sra", "slli", "srli", "srai"):
        return "shift"
    if name == "mul":
        return "multiply"
    if name in ("mulh", "mulhu", "mulhsu"):
        return "multiply-long"
    if name in ("div", "divu", "rem", "remu"):
        return "divide"
    if name in ("lw", "lh", "lb", "lhu", "lbu", "lwsp"):
        return "load"
    if name in ("sw", "sh", "sb", "swsp"):
        return "store"
    if name[0] == "b" and name != "break":
        return "branch-not-taken"
    if name == "j":
        return "jump"
    if name == "jal":
        return "call"
    if name in ("jr", "ret"):
        return "jump-register"
    if name == "jalr":
        if m == "c.jalr":
            return "call-register"
        return "alias"
    if name in ("ecall", "ebreak", "fence", "fence.i") or name.startswith(("csr", "rd", "fr", "fs", "amo", "lr.", "sc.")):
        return "system"
    return None


def one(machine, data):
    found = list(machine.disasm(data, 0x1000))
    return found[0] if len(found) == 1 and found[0].size == len(data) else None


def halves(machine, name, classify, spans, skip):
    """Runs of half-words with the same class; `none` where Capstone knows no instruction or we do not say."""
    runs = []
    for half in (half for span in spans for half in span):
        instruction = one(machine, half.to_bytes(2, "little"))
        text = "none"
        if instruction is not None and not skip(instruction, half):
            text = classify(instruction) or "none"
        if runs and runs[-1][1] == half - spans[0].step and runs[-1][2] == text:
            runs[-1][1] = half
        else:
            runs.append([half, half, text])
    with open(HERE / name, "w") as out:
        for first, last, text in runs:
            out.write(f"{first:04x} {last:04x} {text}\n")
    print(name, len(runs))


def number(name):
    table = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14, "pc": 15}
    return table[name] if name in table else int(name[1:])


def core(name):
    return name in ("sb", "sl", "fp", "ip", "sp", "lr", "pc") or (name[0] == "r" and name[1:].isdigit())


def moved(i, text):
    if text in ("load-double", "store-double"):
        return 2
    if text in ("load-multiple", "store-multiple", "load-pc"):
        registers = [o.reg for o in i.operands if o.type == arm.ARM_OP_REG]
        if text == "load-pc" and i.mnemonic.startswith("ldr"):
            return 1
        if i.mnemonic.split(".")[0] not in ("pop", "push", "vpop", "vpush"):
            registers = registers[1:]
        double = sum(ARM.reg_name(r)[0] == "d" for r in registers)
        return len(registers) + double
    if text in ("load", "store") and i.mnemonic.startswith("v"):
        return 2 if ARM.reg_name(i.operands[0].reg)[0] == "d" else 1
    return 1


def registers(i):
    reads, writes = i.regs_access()
    name = lambda r: i.reg_name(r)
    pick = lambda regs: sorted({number(name(r)) for r in regs if core(name(r))})
    return pick(reads), [r for r in pick(writes) if r != 15]


def thumb32():
    rng = random.Random(1)
    taken = {}
    lines = []
    for prefix in list(range(0xE800, 0x10000, 0x10)) * 60:
        first = prefix | rng.randrange(16)
        second = rng.randrange(0x10000)
        # Bits that most instructions want to be ones or zeros.
        shape = rng.randrange(6)
        if shape == 0:
            second |= 0xF000
        elif shape == 1:
            second &= ~0x8000
        elif shape == 2:
            second = second & 0x0FFF | 0xF000
            second &= ~0x00C0
        elif shape == 3:
            second = second & ~0x0FC0
        elif shape == 4:
            second = second & 0xF03F | 0x0A00
        if first & 0xFFF0 in (0xE840, 0xE850, 0xE8C0, 0xE8D0):
            continue  # exclusive accesses: not in Capstone's register lists
        data = first.to_bytes(2, "little") + second.to_bytes(2, "little")
        i = one(ARM, data)
        if i is None or i.mnemonic.startswith(("cdp", "mcr", "mrc", "ldc", "stc", "mcrr", "mrrc", "udf", "rfe", "srs", "cps", "smc", "hvc", "eret", "bxj", "crc32", "sg", "tt", "blx", "dbg", "dcps", "hint", "subs", "fldm", "fstm", "mrs", "msr", "aut", "pac", "bti")):
            continue
        m = i.mnemonic.split(".")[0]
        if m.startswith("v") and m not in ("vldr", "vstr", "vldmia", "vldmdb", "vstmia", "vstmdb", "vpush", "vpop", "vadd", "vmul", "vsub", "vdiv", "vmla"):
            continue
        if m in ("vadd", "vmul", "vsub", "vdiv", "vmla") and not i.mnemonic.endswith((".f32", ".f64")):
            continue
        if ".16" in i.mnemonic:
            continue
        if m.startswith("v") and first >> 8 in (0xEF, 0xFF, 0xFE, 0xFC, 0xFD):
            continue  # Advanced SIMD, not of the M profile
        text = thumb_class(i)
        if m in ("mrs", "msr", "pld", "pldw", "pli", "isb", "dsb", "dmb"):
            continue
        # Unpredictable uses of the program counter and of the stack pointer are nobody's code.
        if first & 15 == 15 and text.startswith(("load-multiple", "store-multiple", "load-pc")) and not m.startswith("ldr"):
            continue
        names = [i.reg_name(o.reg) for o in i.operands if o.type == arm.ARM_OP_REG]
        if ("pc" in names or "sp" in names) and text != "load-pc" and m not in ("push", "pop"):
            continue
        if m in ("ldrd", "strd", "ldrsb", "ldrsh") and ("pc" in i.op_str or "sp" in i.op_str):
            continue
        key = i.mnemonic
        if taken.get(key, 0) >= PER_MNEMONIC:
            continue
        taken[key] = taken.get(key, 0) + 1
        if m[0] == "v" and "multiple" in text and moved(i, text) != second & 0xFF:
            continue  # past the last register
        reads, writes = registers(i)
        base = first & 15
        if "!" in i.op_str or "], #" in i.op_str:
            writes = sorted({*writes, base})  # Capstone forgets some written-back addresses
        if m in ("vpush", "vpop"):
            reads, writes = [13], [13]
        # Registers that Capstone's lists lack, by the operands.
        if m.startswith(("pkh", "ssat", "usat", "sxta", "uxta")):
            reads = sorted({number(i.reg_name(o.reg)) for o in i.operands[1:] if o.type == arm.ARM_OP_REG})
        if m.startswith(("smlal", "smlsld", "umlal", "umaal")):
            reads = sorted({number(i.reg_name(o.reg)) for o in i.operands})
        if m.startswith(("rev", "clz", "rbit")) and base != second & 15:
            continue  # unpredictable
        if m in ("strt", "strbt", "strht"):
            reads, writes = sorted({base, second >> 12}), []
        offset = "-"
        if text in ("jump", "call", "branch-not-taken"):
            offset = str((i.operands[-1].imm - 0x1000 + 2**31) % 2**32 - 2**31)
            reads, writes = [], ([14] if text == "call" else [])
        lines.append((first << 16 | second, text, moved(i, text), reads, writes, offset, f"{i.mnemonic} {i.op_str}"))
    write("thumb32.txt", lines)


def riscv32():
    rng = random.Random(2)
    taken, lines = {}, []
    names = {n: k for k, n in enumerate("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6".split())}
    for _ in range(60000):
        word = rng.getrandbits(32) | 3
        if word & 0x7F in (0x33, 0x13):
            word &= ~0xFE000000
            word |= rng.choice([0, 0x40000000, 0x02000000])
        if word & 0x1F == 0x1F or (word & 0x307F == 0x1013 and word >> 25 & 1):
            continue
        i = one(RV, word.to_bytes(4, "little"))
        if i is None:
            continue
        text = riscv_class(i)
        if text in (None, "system") or i.mnemonic in ("fence",):
            continue
        if i.mnemonic in ("jal", "jalr", "j", "jr", "ret"):
            rd = word >> 7 & 31
            register = word & 0x7F == 0x67
            text = ("jump" if rd == 0 else "call") + ("-register" if register else "")
        if taken.get(i.mnemonic, 0) >= PER_MNEMONIC:
            continue
        taken[i.mnemonic] = taken.get(i.mnemonic, 0) + 1
        rd, rs1, rs2 = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
        # Which of the three fields are registers is what the mnemonic's format says.
        op = word & 0x7F
        reads = {0x33: [rs1, rs2], 0x13: [rs1], 0x03: [rs1], 0x23: [rs1, rs2], 0x63: [rs1, rs2], 0x67: [rs1]}.get(op, [])
        writes = [] if op in (0x23, 0x63) else [rd]
        zero = lambda regs: sorted({r for r in regs if r})
        offset = "-"
        if op in (0x63, 0x6F):
            offset = str(i.operands[-1].imm)
        lines.append((word, text, 1, zero(reads), zero(writes), offset, f"{i.mnemonic} {i.op_str}"))
    write("riscv32.txt", lines)


def write(name, lines):
    lines.sort(key=lambda line: line[0])
    show = lambda regs: ",".join(map(str, regs)) or "-"
    with open(HERE / name, "w") as out:
        for word, text, count, reads, writes, offset, shown in lines:
            out.write(f"{word:08x} {text} {count} {show(reads)} {show(writes)} {offset} ; {shown}\n")
    print(name, len(lines))


halves(ARM, "thumb16.txt", thumb_class, [range(0xE800)],
       lambda i, h: i.mnemonic in ("setend", "udf", "trap", "hlt", "sg", "bxns", "blxns")
       or h & 0xFF00 == 0x4700 and h & 7)  # these bits should be zero
halves(RV, "riscv16.txt", riscv_class, [range(quadrant, 0x10000, 4) for quadrant in range(3)],
       lambda i, h: i.mnemonic in ("c.unimp",) or i.mnemonic.startswith("c.f")
       or h & 0xF07F == 0x6001  # a constant of 0 is reserved
       or h & 0xF803 == 0x9001 or h & 0xF003 == 0x1002)  # shifts by 32 and more
thumb32()
riscv32()
