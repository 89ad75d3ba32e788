//! The C header of a model.

use super::{ABI, Emulator, VERSION};

pub(super) fn header(emulator: &Emulator<'_>) -> String {
    let identifier = emulator.identifier();
    let upper = identifier.to_ascii_uppercase();
    let (name, tag, symbol) = (emulator.name(), emulator.tag(), emulator.symbol());
    let mut shapes = String::new();
    for (index, input) in emulator.program.inputs.iter().enumerate() {
        let shape = match input.set {
            Some(_) => format!("(constituents, {})", input.channels),
            None => format!("({})", input.channels),
        };
        shapes += &format!(" *   input {index}: `{}`, {shape}\n", comment(&input.name));
    }
    let mut first = 0;
    for output in &emulator.program.outputs {
        let raws = emulator.program.value(output.value).shape.channels();
        let name = comment(&output.name);
        shapes += &format!(
            " *   output `{name}`, ({raws}): raws {first} to {}\n",
            first + raws - 1
        );
        first += raws;
    }
    format!(
        r#"/* The model `{name}`, compiled by Hodoscope {VERSION}. Generated.
 *
{shapes} *
 * Sources that use {identifier}_table() and the constants below need no change when the model is trained again, as long
 * as its inputs stay what they are. What the fields and LSBs are, the table says.
 */
#ifndef HODOSCOPE_MODEL_{tag}_{upper}_H
#define HODOSCOPE_MODEL_{tag}_{upper}_H

#include <hodoscope/emulator.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {{
#endif

/* The library's only symbol. */
const hodoscope_table *{symbol}(void);

#ifdef __cplusplus
}}
#endif

#define HODOSCOPE_{upper}_SYMBOL "{symbol}"
#define HODOSCOPE_{upper}_HASH "{hash}"
#define HODOSCOPE_{upper}_RAWS {raws}
#define HODOSCOPE_{upper}_CAPACITY {capacity}

/* Whether a table, however it was loaded, is one of this model and of this interface. */
static inline int {identifier}_is(const hodoscope_table *table) {{
  return table != 0 && table->abi == {ABI} && table->size >= sizeof(hodoscope_table) &&
         strcmp(table->program_hash, HODOSCOPE_{upper}_HASH) == 0;
}}

/* The table of the library that is linked; null where it is none of this model. */
static inline const hodoscope_table *{identifier}_table(void) {{
  const hodoscope_table *table = {symbol}();
  return {identifier}_is(table) ? table : 0;
}}

#endif
"#,
        hash = emulator.hash(),
        raws = emulator.raws(),
        capacity = emulator.set().map_or(0, |set| set.capacity),
    )
}

/// A name within a comment, which it cannot end.
pub(super) fn comment(name: &str) -> String {
    name.replace("*/", "* /").replace(['\n', '\r'], " ")
}
