//! The C++ class of a model, in a header of its own.
//!
//! All of it lies in a namespace that the program's hash names, and is hidden: libraries that are loaded together share
//! nothing of it. It uses no template of the standard library, whose instances all libraries of a process share.

use super::header::comment;
use super::{ABI, Emulator, VERSION};

pub(super) fn class(emulator: &Emulator<'_>) -> String {
    let (program, inputs) = (emulator.program, emulator.inputs());
    let parameter = |field: &String| format!("{field}_");
    let types: Vec<String> = (0..inputs.len()).map(|n| format!("class T{n}")).collect();
    let pointers = inputs.iter().enumerate();
    let pointers: Vec<String> = pointers
        .map(|(n, field)| format!("const T{n} *{}", parameter(field)))
        .collect();
    let arrays = inputs.iter().zip(&program.inputs).map(|(field, input)| {
        format!(
            "detail::array({}, {}, {})",
            parameter(field),
            input.channels,
            if input.set.is_some() { "rows" } else { "1" }
        )
    });
    let arrays: Vec<String> = arrays.collect();
    let has_set = emulator.set().is_some();
    let (rows, offsets) = match has_set {
        true => (", std::uint64_t rows", ", const std::int64_t *offsets"),
        false => ("", ""),
    };
    let mut shapes = String::new();
    for (input, field) in program.inputs.iter().zip(&inputs) {
        let name = comment(&input.name);
        let per = if has_set && input.set.is_some() {
            "(constituents, "
        } else {
            "("
        };
        let (field, words) = (parameter(field), input.channels);
        shapes += &format!("// `{field}` is the input `{name}`: {per}{words}), side by side\n");
    }
    TEMPLATE
        .replace("@SHAPES@\n", &shapes)
        .replace("@TYPES@", &types.join(", "))
        .replace("@POINTERS@", &pointers.join(", "))
        .replace("@ARRAYS@", &arrays.join(", "))
        .replace("@ONE_ROWS@", rows)
        .replace("@MANY_ROWS@", offsets)
        .replace("@ROWS_OF_ONE@", if has_set { "rows" } else { "0" })
        .replace("@OFFSETS@", if has_set { "offsets" } else { "nullptr" })
        .replace(
            "@DEFINE_ROWS@\n",
            if has_set {
                "    const std::uint64_t rows = 0;\n"
            } else {
                ""
            },
        )
        .replace("@NAME@", emulator.name())
        .replace("@IDENTIFIER@", &emulator.identifier())
        .replace("@UPPER@", &emulator.identifier().to_ascii_uppercase())
        .replace("@TAG@", emulator.tag())
        .replace("@SYMBOL@", &emulator.symbol())
        .replace("@INPUTS@", &inputs.len().to_string())
        .replace("@RAWS@", &emulator.raws().to_string())
        .replace("@VERSION@", VERSION)
        .replace("@ABI@", &ABI.to_string())
}

const TEMPLATE: &str = r#"// The model `@NAME@` as a class of C++17, compiled by Hodoscope @VERSION@. Generated.
//
// hodoscope::@IDENTIFIER@::Model stays the name of the class when the model is trained again.
#ifndef HODOSCOPE_MODEL_@TAG@_@UPPER@_HPP
#define HODOSCOPE_MODEL_@TAG@_@UPPER@_HPP

#include <hodoscope/@NAME@.h>

#include <cstdint>
#include <stdexcept>

namespace hodoscope_@TAG@ __attribute__((visibility("hidden"))) {
namespace @IDENTIFIER@ {
namespace detail {

// What the elements of an array are.
template <class T> struct Element;
template <> struct Element<std::int8_t> { enum { value = HODOSCOPE_INT8 }; };
template <> struct Element<std::int16_t> { enum { value = HODOSCOPE_INT16 }; };
template <> struct Element<std::int32_t> { enum { value = HODOSCOPE_INT32 }; };
template <> struct Element<std::int64_t> { enum { value = HODOSCOPE_INT64 }; };
template <> struct Element<float> { enum { value = HODOSCOPE_FLOAT }; };
template <> struct Element<double> { enum { value = HODOSCOPE_DOUBLE }; };

template <class T> hodoscope_array array(const T *data, std::int64_t words, std::int64_t rows) {
  const std::int64_t size = sizeof(T);
  return hodoscope_array{data, words * rows * size, words * size, size, Element<T>::value, 0};
}

} // namespace detail

// The raws of one event, all outputs one after the other.
struct Raws {
  std::int64_t raw[@RAWS@];
};

// The same in units.
struct Scores {
  double value[@RAWS@];
};

// Integers are words of the detector; floats and doubles are values, in the units of their fields.
@SHAPES@
// What a call cannot do is a std::runtime_error. Everything is const and may be called from many threads.
class Model {
public:
  // The model of the library that is linked.
  Model() : Model(@SYMBOL@()) {}

  // The model of a table that was loaded otherwise; its hash is checked.
  explicit Model(const hodoscope_table *table) : table_(table) {
    if (!@IDENTIFIER@_is(table))
      throw std::runtime_error("@NAME@: the library holds another program or another version of the interface");
  }

  const hodoscope_table &table() const { return *table_; }
  const char *program_hash() const { return table_->program_hash; }

  // One event.
  template <@TYPES@> Raws infer(@POINTERS@@ONE_ROWS@) const {
    Raws raws;
    const hodoscope_array arrays[@INPUTS@] = {@ARRAYS@};
    hodoscope_batch batch = {};
    batch.size = sizeof batch;
    batch.events = 1;
    batch.arrays = arrays;
    batch.rows = @ROWS_OF_ONE@;
    batch.raws = raws.raw;
    infer(batch);
    return raws;
  }

  // Many events, one after the other. `raws` and `scores` have room for those of all, or are null. The result is the
  // number of values that saturated.
  template <@TYPES@>
  std::uint64_t infer_many(std::uint64_t events, @POINTERS@@MANY_ROWS@, std::int64_t *raws,
                           double *scores = nullptr) const {
@DEFINE_ROWS@
    const hodoscope_array arrays[@INPUTS@] = {@ARRAYS@};
    hodoscope_batch batch = {};
    batch.size = sizeof batch;
    batch.events = events;
    batch.arrays = arrays;
    batch.offsets = @OFFSETS@;
    batch.raws = raws;
    batch.scores = scores;
    infer(batch);
    return batch.saturated;
  }

  // A batch with strides, offsets or counts of its own.
  void infer(hodoscope_batch &batch) const { check(table_->infer_batch(&batch)); }

  Scores scores(const Raws &raws) const {
    Scores scores;
    check(table_->scores(1, raws.raw, scores.value));
    return scores;
  }

  // The smallest raw of the first output whose score is `score` or more.
  std::int64_t threshold(double score) const {
    std::int64_t raw = 0;
    check(table_->threshold(score, &raw));
    return raw;
  }

  // The decision on an event: whether its first output reaches a threshold.
  static bool accepts(const Raws &raws, std::int64_t threshold) { return raws.raw[0] >= threshold; }

private:
  void check(hodoscope_status status) const {
    if (status != HODOSCOPE_OK)
      throw std::runtime_error(table_->message(status));
  }

  const hodoscope_table *table_;
};

} // namespace @IDENTIFIER@
} // namespace hodoscope_@TAG@

namespace hodoscope {
namespace @IDENTIFIER@ = ::hodoscope_@TAG@::@IDENTIFIER@;
}

#endif
"#;
