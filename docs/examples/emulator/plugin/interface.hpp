// What framework and plug-ins share.
#pragma once

#include <cstddef>

struct Constituent {
  float pt, deta, dphi;
};

class Tagger {
public:
  virtual ~Tagger() = default;
  virtual double score(const Constituent *jet, std::size_t constituents) const = 0;
};

using MakeTagger = Tagger *();
