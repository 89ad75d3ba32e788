// A plug-in with a model in it: HEADER and MODEL say which. All plug-ins have these names, as frameworks ask for them.
#include HEADER

namespace model = hodoscope::MODEL;

extern "C" __attribute__((visibility("default"))) const hodoscope_table *plugin_table() {
  static const model::Model own;
  return &own.table();
}

// What sources use of the class compiles for every model.
extern "C" __attribute__((visibility("default"))) std::int64_t plugin_batch(hodoscope_batch &batch) {
  const model::Model own;
  own.infer(batch);
  model::Raws raws = {};
  for (std::uint64_t i = 0; i < own.table().raws; ++i)
    raws.raw[i] = batch.raws[i];
  return own.scores(raws).value[0] >= 0 && model::Model::accepts(raws, 0);
}
