// A plug-in. Nothing in it names a version of the model: when that is trained again, it is built again.
#include <hodoscope/pfn-qg.hpp>

#include "interface.hpp"

namespace {

class PfnQg final : public Tagger {
public:
  double score(const Constituent *jet, std::size_t constituents) const override {
    // Floats are values in the units of the fields: the library makes the detector's words of them.
    const float *x = constituents ? &jet->pt : nullptr;
    return model_.scores(model_.infer(x, constituents)).value[0];
  }

private:
  hodoscope::pfn_qg::Model model_;
};

} // namespace

extern "C" Tagger *make_tagger() { return new PfnQg; }
