// Loads plug-ins as experiments' frameworks do: all symbols of all of them in one space.
#include <dlfcn.h>

#include <cstdio>
#include <memory>

#include "interface.hpp"

int main(int argc, char **argv) {
  const Constituent jet[3] = {{120.0f, 0.01f, -0.02f}, {35.5f, -0.10f, 0.07f}, {4.25f, 0.21f, 0.15f}};
  for (int i = 1; i < argc; ++i) {
    void *plugin = dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL);
    auto make = plugin ? reinterpret_cast<MakeTagger *>(dlsym(plugin, "make_tagger")) : nullptr;
    if (!make) {
      std::fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    std::unique_ptr<Tagger> tagger(make());
    std::printf("%s: score %.6f\n", argv[i], tagger->score(jet, 3));
  }
  return 0;
}
