// A program for the kernel as it is written: steps, some of which lead elsewhere.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "os/bpf.h"

namespace appshot::bpf {

class Steps {
 public:
  // Somewhere further down, with those who lead there.
  using Place = std::vector<size_t>;

  Steps& add(std::span<const bpf_insn> more) {
    all_.insert(all_.end(), more.begin(), more.end());
    return *this;
  }
  Steps& add(std::initializer_list<bpf_insn> more) {
    all_.insert(all_.end(), more);
    return *this;
  }
  // On at `there` when register `which` is so (BPF_JEQ, BPF_JNE …) to the number.
  Steps& leave_if(Place& there, int how, int which, int number) {
    return lead(there, instruction(BPF_JMP | BPF_K | how, which, 0, 0, number));
  }
  // Of its lower half alone; numbers with the highest bit set are no exception then.
  Steps& leave_if_half(Place& there, int how, int which, int number) {
    return lead(there, instruction(BPF_JMP32 | BPF_K | how, which, 0, 0, number));
  }
  Steps& leave(Place& there) { return lead(there, instruction(BPF_JMP | BPF_JA, 0, 0, 0, 0)); }
  void here(Place& place) {
    for (const size_t from : place) all_[from].off = static_cast<int16_t>(all_.size() - from - 1);
    place.clear();
  }
  // Where the next step comes; and back to there, which must come to an end.
  size_t now() const { return all_.size(); }
  Steps& leave_back(size_t to) {
    const auto steps = static_cast<int>(to) - static_cast<int>(all_.size()) - 1;
    return add({instruction(BPF_JMP | BPF_JA, 0, 0, steps, 0)});
  }
  const std::vector<bpf_insn>& all() const { return all_; }

 private:
  Steps& lead(Place& there, bpf_insn step) {
    there.push_back(all_.size());
    all_.push_back(step);
    return *this;
  }

  std::vector<bpf_insn> all_;
};

}  // namespace appshot::bpf
