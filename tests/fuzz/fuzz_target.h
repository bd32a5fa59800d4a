// What fuzz targets share: facts that must hold, and the corpus to begin with, which each writes
// itself when it is told --write-seeds=FOLDER.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace appshot {

inline void require(bool fact, const char* what) {
  if (fact) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

// `seeds` makes them; the program ends then.
template <typename MakeSeeds>
void write_seeds_if_told(int argc, char** argv, MakeSeeds make_seeds) {
  constexpr std::string_view kWriteSeeds = "--write-seeds=";
  for (std::string_view argument : std::span(argv, static_cast<size_t>(argc)).subspan(1)) {
    if (!argument.starts_with(kWriteSeeds)) continue;
    const std::string folder(argument.substr(kWriteSeeds.size()));
    int number = 0;
    for (const auto& bytes : make_seeds()) {
      std::ofstream file(folder + "/seed-" + std::to_string(number++), std::ios::binary);
      file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      require(bool(file.flush()), "seed written");
    }
    std::exit(0);
  }
}

}  // namespace appshot
