/* Computes events of several models in turn, from two threads, and counts those that differ from what is expected.
 *
 *   driver FOLDER...      with -DLINKED the tables of `linked` (static archives), else those that FOLDER/library names: a
 *                         library and a symbol that gives the table, loaded with RTLD_GLOBAL
 *
 * A FOLDER has `events`, and for each input `wordsN` (int32), `offsets` (int64, without a set all zero) and `raws`
 * (int64); where there are `values` (double) of input 0, words are made of them in every rounding mode. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fenv.h>
#include <hodoscope/emulator.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#define MODELS 16
#define BLOCK 37

typedef const hodoscope_table *get_table(void);

#ifdef LINKED
extern get_table *const linked[];
#endif

typedef struct {
  const hodoscope_table *table;
  uint64_t events;
  int32_t *words[64];
  int64_t *offsets;
  int64_t *raws;
  int set;
} model;

static model models[MODELS];
static int count;

static void *contents(const char *folder, const char *name, size_t *size) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) {
    *size = 0;
    return NULL;
  }
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char *bytes = calloc(1, *size + 1);
  if (fread(bytes, 1, *size, file) != *size)
    exit(3);
  fclose(file);
  return bytes;
}

#ifndef LINKED
static get_table *load(const char *folder) {
  size_t size;
  char *library = contents(folder, "library", &size);
  char *symbol = strchr(library, '\n');
  *symbol++ = 0;
  symbol[strcspn(symbol, "\n")] = 0;
  void *handle = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
  if (!handle) {
    fprintf(stderr, "%s\n", dlerror());
    exit(3);
  }
  get_table *get = (get_table *)dlsym(handle, symbol);
  if (!get) {
    fprintf(stderr, "%s\n", dlerror());
    exit(3);
  }
  free(library);
  return get;
}
#endif

/* Events of a block of one model, as one batch with columns that lie apart, and one by one. */
static uint64_t compare(const model *m, uint64_t first, uint64_t events) {
  const hodoscope_table *t = m->table;
  hodoscope_array arrays[64] = {{0}};
  for (uint64_t i = 0; i < t->inputs; ++i) {
    int64_t row = 4 * (int64_t)t->input[i].words;
    arrays[i] = (hodoscope_array){m->words[i], row, row, 4, HODOSCOPE_INT32, 0};
    if (!t->input[i].set)
      arrays[i].data = (const char *)m->words[i] + first * row;
  }
  /* Twice as far apart as needed. */
  int64_t *raws = malloc(2 * events * t->raws * sizeof *raws);
  hodoscope_batch batch = {0};
  batch.size = sizeof batch;
  batch.events = events;
  batch.arrays = arrays;
  batch.offsets = m->set ? m->offsets + first : NULL;
  batch.raws = raws;
  batch.raw_stride = 2 * (int64_t)t->raws;
  hodoscope_status status = t->infer_batch(&batch);
  if (status || batch.done != events) {
    fprintf(stderr, "%s: %s\n", t->model, t->message(status));
    exit(3);
  }
  uint64_t different = 0;
  for (uint64_t e = 0; e < events; ++e) {
    const int64_t *expected = m->raws + (first + e) * t->raws;
    int64_t own[4096];
    const int32_t *words[64];
    int64_t begin = m->offsets[first + e], end = m->offsets[first + e + 1];
    for (uint64_t i = 0; i < t->inputs; ++i)
      words[i] = m->words[i] + (t->input[i].set ? (uint64_t)begin : first + e) * t->input[i].words;
    int32_t accepted = 0;
    int wrong = t->infer(words, (uint64_t)(end - begin), own) != HODOSCOPE_OK;
    wrong |= memcmp(own, expected, t->raws * sizeof *own) != 0;
    wrong |= memcmp(raws + 2 * e * t->raws, expected, t->raws * sizeof *own) != 0;
    if (t->output[0].raws == 1) {
      wrong |= t->accepts(words, (uint64_t)(end - begin), expected[0], &accepted) || accepted != 1;
      wrong |= t->accepts(words, (uint64_t)(end - begin), expected[0] + 1, &accepted) || accepted != 0;
    } else {
      wrong |= t->accepts(words, (uint64_t)(end - begin), 0, &accepted) != HODOSCOPE_NO_DECISION;
    }
    different += wrong;
  }
  free(raws);
  return different;
}

static void *in_turn(void *which) {
  uint64_t different = 0;
  for (uint64_t first = 0, any = 1; any; first += BLOCK) {
    any = 0;
    for (int m = 0; m < count; ++m)
      if (first < models[m].events) {
        uint64_t left = models[m].events - first;
        different += compare(&models[m], first, left < BLOCK ? left : BLOCK);
        any = 1;
      }
  }
  *(uint64_t *)which = different;
  return NULL;
}

/* Values of input 0 give its words in every rounding mode and when small numbers are flushed to zero. */
static uint64_t rounding(const model *m, const char *folder) {
  size_t size, ignored;
  double *values = contents(folder, "values", &size);
  int32_t *expected = contents(folder, "valued", &ignored);
  if (!values)
    return 0;
  uint64_t n = size / sizeof *values, different = 0;
  int32_t *words = malloc(n * sizeof *words);
  const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (int mode = 0; mode < 8; ++mode) {
    fesetround(modes[mode % 4]);
#ifdef __x86_64__
    _mm_setcsr((_mm_getcsr() & ~0x8040u) | (mode >= 4 ? 0x8040u : 0));
#endif
    hodoscope_status status = m->table->words(0, n, values, words, NULL);
    for (uint64_t i = 0; i < n; ++i)
      different += status || words[i] != expected[i];
  }
  fesetround(FE_TONEAREST);
#ifdef __x86_64__
  _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
  values[n / 2] = 0.0 / 0.0;
  different += m->table->words(0, n, values, words, NULL) != HODOSCOPE_NOT_FINITE;
  free(words);
  free(values);
  free(expected);
  return different;
}

int main(int argc, char **argv) {
  uint64_t events = 0, different = 0;
  size_t size;
  for (count = 0; count + 1 < argc; ++count) {
    const char *folder = argv[count + 1];
    model *m = &models[count];
#ifdef LINKED
    m->table = linked[count]();
#else
    m->table = load(folder)();
#endif
    if (m->table->abi != HODOSCOPE_ABI || m->table->size != sizeof *m->table) {
      fprintf(stderr, "%s: another interface\n", folder);
      return 3;
    }
    for (uint64_t i = 0; i < m->table->inputs; ++i) {
      char name[32];
      snprintf(name, sizeof name, "words%d", (int)i);
      m->words[i] = contents(folder, name, &size);
      m->set |= m->table->input[i].set;
    }
    m->offsets = contents(folder, "offsets", &size);
    m->events = size / sizeof *m->offsets - 1;
    m->raws = contents(folder, "raws", &size);
    if (size != m->events * m->table->raws * sizeof *m->raws) {
      fprintf(stderr, "%s: %d raws an event\n", folder, (int)m->table->raws);
      return 3;
    }
    events += m->events;
  }
  pthread_t other;
  uint64_t others = 0;
  pthread_create(&other, NULL, in_turn, &others);
  in_turn(&different);
  pthread_join(other, NULL);
  different += others;
  for (int m = 0; m < count; ++m)
    different += rounding(&models[m], argv[m + 1]);
  printf("%llu events, %llu different\n", (unsigned long long)events, (unsigned long long)different);
  return different != 0;
}
