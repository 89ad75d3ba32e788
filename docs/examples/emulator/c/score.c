/* Scores two jets: one in physical values, one in detector words. */
#include <stdio.h>

#include <hodoscope/pfn-qg.h>

int main(void) {
  const hodoscope_table *model = pfn_qg_table();
  if (!model) {
    fprintf(stderr, "the library that is linked is not the one of this header\n");
    return 1;
  }
  printf("program %.16s, Hodoscope %s\n", model->program_hash, model->compiler);
  const hodoscope_input *x = &model->input[0];
  for (uint64_t w = 0; w < x->words; ++w) {
    const hodoscope_field *field = &x->field[w % x->fields];
    printf("  %s: lsb %g %s, words %lld to %lld\n", field->name, field->lsb, field->unit, (long long)field->minimum,
           (long long)field->maximum);
  }

  /* Three constituents: pT, and the distances to the jet's axis. */
  const double jet[3][3] = {{120.0, 0.01, -0.02}, {35.5, -0.10, 0.07}, {4.25, 0.21, 0.15}};
  int32_t words[3 * 3];
  uint64_t saturated = 0;
  hodoscope_status status = model->words(0, 9, &jet[0][0], words, &saturated);
  if (status != HODOSCOPE_OK) {
    fprintf(stderr, "%s\n", model->message(status));
    return 1;
  }

  /* The result depends on the words alone: in the trigger, in this program, in any other. */
  const int32_t *inputs[1] = {words};
  int64_t raws[HODOSCOPE_PFN_QG_RAWS];
  double scores[HODOSCOPE_PFN_QG_RAWS];
  int64_t threshold = 0;
  int32_t accepted = 0;
  if (model->infer(inputs, 3, raws) || model->scores(1, raws, scores) || model->threshold(0.5, &threshold) ||
      model->accepts(inputs, 3, threshold, &accepted)) {
    fprintf(stderr, "the event was not computed\n");
    return 1;
  }
  printf("raw %lld, score %.6f, %s at a threshold of %lld\n", (long long)raws[0], scores[0],
         accepted ? "accepted" : "rejected", (long long)threshold);
  return 0;
}
