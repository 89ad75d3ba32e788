/* What a library made by `hodoscope package` answers. The same for all models.
 *
 * A library has one symbol, a function that returns its table; the header of the model declares it. Functions of a
 * table keep no state, allocate nothing, start no thread, and may be called from any number of threads at once. The
 * table and all that it points to live as long as the library is loaded.
 *
 * The interface is one of a version: `abi` is its number. A table of the same number may get more members at its end;
 * `size` says which ones are there.
 */
#ifndef HODOSCOPE_EMULATOR_H
#define HODOSCOPE_EMULATOR_H

#include <stdint.h>

#define HODOSCOPE_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

/* How a call ended. */
typedef int32_t hodoscope_status;
#define HODOSCOPE_OK 0
#define HODOSCOPE_BAD_ARGUMENT 1 /* a pointer is null; an index, a type or a number of rows is none */
#define HODOSCOPE_NOT_FINITE 2   /* a value is NaN or infinite, or has infinitely many counts: it has no word */
#define HODOSCOPE_NO_DECISION 3  /* the first output is not a single number */

/* What the elements of an array are: words of the detector, or physical values in the units of their fields. */
#define HODOSCOPE_INT8 1
#define HODOSCOPE_INT16 2
#define HODOSCOPE_INT32 3
#define HODOSCOPE_INT64 4
#define HODOSCOPE_FLOAT 5
#define HODOSCOPE_DOUBLE 6

/* How a value becomes a word. HODOSCOPE_NEAREST: floor(value / lsb + 1/2) in double precision; a float is widened
 * first. The others are those of the model's own quantiser, in single precision: value / lsb, rounded as the name
 * says, then moved by the zero point (or moved before, with `zero_first`). All with the processor's default rounding,
 * whatever its rounding mode and its flushing of small numbers are when the library is called. */
#define HODOSCOPE_NEAREST 0
#define HODOSCOPE_TRN 1         /* towards -infinity */
#define HODOSCOPE_TRN_ZERO 2    /* towards zero */
#define HODOSCOPE_RND 3         /* nearest, halves towards +infinity */
#define HODOSCOPE_RND_CONV 4    /* nearest, halves to even */
#define HODOSCOPE_RND_ZERO 5    /* nearest, halves towards zero */
#define HODOSCOPE_RND_INF 6     /* nearest, halves away from zero */
#define HODOSCOPE_RND_MIN_INF 7 /* nearest, halves towards -infinity */
#define HODOSCOPE_CEIL 8        /* towards +infinity */
#define HODOSCOPE_UP 9          /* away from zero */

/* What a word is. value = (word - zero_point) * lsb */
typedef struct hodoscope_field {
  const char *name;
  const char *unit; /* of a value, or an empty text */
  double lsb;       /* value of one count */
  int64_t minimum;  /* smallest word */
  int64_t maximum;  /* largest word */
  int64_t empty;    /* word of an empty slot */
  int64_t zero_point;
  int32_t rounding;
  int32_t zero_first;
  int32_t wraps; /* 1: values outside of the range wrap around (an azimuth), 0: they saturate */
  int32_t reserved;
} hodoscope_field;

/* An input. Its shape is (words), or (constituents, words) where it belongs to the set. */
typedef struct hodoscope_input {
  const char *name;
  uint64_t words;  /* of a row */
  uint64_t fields; /* word w is one of field w % fields */
  const hodoscope_field *field;
  int32_t set; /* 1: a row per constituent, 0: a row per event */
  int32_t reserved;
} hodoscope_input;

/* An output. score = raw * lsb */
typedef struct hodoscope_output {
  const char *name;
  uint64_t first; /* its first raw among those of an event */
  uint64_t raws;  /* number of its raws: its shape */
  uint64_t lsbs;  /* 1, or as many as it has raws */
  const double *lsb;
  int64_t minimum; /* of the type of its raws */
  int64_t maximum;
} hodoscope_output;

/* One input of a batch. Strides are in bytes, and need be no multiple of an element's size. */
typedef struct hodoscope_array {
  const void *data;     /* the first word or value */
  int64_t event_stride; /* from event to event; has no meaning for a set with offsets */
  int64_t row_stride;   /* from constituent to constituent; has no meaning without a set */
  int64_t word_stride;  /* from word to word */
  int32_t element;      /* HODOSCOPE_INT8 ... HODOSCOPE_DOUBLE */
  int32_t reserved;     /* 0 */
} hodoscope_array;

/* Many events. Set `size` to sizeof(hodoscope_batch), and what is not used to 0. */
typedef struct hodoscope_batch {
  uint64_t size;
  uint64_t events;
  const hodoscope_array *arrays; /* one for each input, in their order */
  const int64_t *offsets;        /* of a set: event e has the rows offsets[e] to offsets[e + 1]; events + 1 of them */
  const int64_t *counts;         /* without offsets: filled rows of each event, or null where all are */
  uint64_t rows;                 /* without offsets: rows of every event */
  int64_t *raws;                 /* the result, or null */
  int64_t raw_stride;            /* raws from event to event; 0: as many as an event has */
  double *scores;                /* the result in units, or null */
  int64_t score_stride;          /* scores from event to event; 0: as many as an event has raws */
  uint64_t saturated;            /* set by the call: values that saturated */
  uint64_t done;                 /* set by the call: events that were computed; so the event of a failure */
} hodoscope_batch;

typedef struct hodoscope_table {
  uint32_t abi;             /* HODOSCOPE_ABI */
  uint32_t size;            /* of this structure */
  const char *program_hash; /* SHA-256 of the program's text, 64 hexadecimal digits */
  const char *model;        /* name of the program */
  const char *compiler;     /* version of the compiler */
  uint64_t inputs;
  uint64_t outputs;
  uint64_t raws;     /* of an event, all outputs one after the other */
  uint64_t capacity; /* largest multiplicity that is computed: of more, the hardest or the first are kept. 0: no set */
  const hodoscope_input *input;
  const hodoscope_output *output;
  /* Words of an input from `count` values, row after row; `saturated` may be null. */
  hodoscope_status (*words)(uint32_t input, uint64_t count, const double *values, int32_t *words, uint64_t *saturated);
  hodoscope_status (*words_from_floats)(uint32_t input, uint64_t count, const float *values, int32_t *words,
                                        uint64_t *saturated);
  /* The raws of one event. `words` has a pointer for each input: to the words of one row, or of `rows` rows of the set.
   * Words outside of their field's range are clamped; rows that hold no constituent are passed over. */
  hodoscope_status (*infer)(const int32_t *const *words, uint64_t rows, int64_t *raws);
  /* The raws and scores of many events. */
  hodoscope_status (*infer_batch)(hodoscope_batch *batch);
  /* Scores, in units, of the raws of `events` events. */
  hodoscope_status (*scores)(uint64_t events, const int64_t *raws, double *scores);
  /* The smallest raw of the first output whose score is `score` or more; one beyond the type's largest where none is. */
  hodoscope_status (*threshold)(double score, int64_t *raw);
  /* Whether one event's first output has a raw of at least `threshold`: 1 or 0. */
  hodoscope_status (*accepts)(const int32_t *const *words, uint64_t rows, int64_t threshold, int32_t *accepted);
  /* What a status means. */
  const char *(*message)(hodoscope_status status);
} hodoscope_table;

#ifdef __cplusplus
}
#endif

#endif
